// A message that is sent in parts: where its parts go, without a connection.

import { expect, test } from "vitest";
import { MessageStream } from "../../lib/websocket/message-stream.ts";

function make(isText?: boolean) {
  const put: unknown[][] = [];
  const target = {
    writePart(part: unknown, isLast: boolean) {
      put.push([part, isLast]);
      return put.length < 2;
    },
    sendPart(part: unknown, isLast: boolean) {
      put.push([part, isLast]);
      return Promise.resolve();
    },
  };
  return { put, stream: new MessageStream(target as never, isText) };
}

test("parts go out in order, and write() says whether more is welcome", async () => {
  const { put, stream } = make();
  expect(stream.write("a")).toBe(true);
  expect(stream.write("b")).toBe(false);
  await stream.send("c");
  await stream.end("d");
  expect(put).toEqual([
    ["a", false],
    ["b", false],
    ["c", false],
    ["d", true],
  ]);
});

test.each([
  ["text", undefined, "a", ""],
  ["bytes", undefined, Uint8Array.of(1), new Uint8Array(0)],
  ["text that was asked for", true, Uint8Array.of(1), ""],
  ["bytes that were asked for", false, "a", new Uint8Array(0)],
])(
  "an end without a part ends %s with an empty part of its type",
  async (_, isText, first, last) => {
    const { put, stream } = make(isText);
    stream.write(first);
    await stream.end();
    expect(put.at(-1)).toEqual([last, true]);
  },
);

test("a message without any part is empty, and binary", async () => {
  const { put, stream } = make();
  await stream.end();
  expect(put).toEqual([[new Uint8Array(0), true]]);
});

test("after the end nothing is taken, a second end is none", async () => {
  const { put, stream } = make();
  await stream.end("all");
  await stream.end();
  expect(put.length).toBe(1);
  const state = expect.objectContaining({ code: "ERR_INVALID_STATE" });
  expect(() => stream.write("late")).toThrow(state);
  expect(() => stream.send("late")).toThrow(state);
});

test("await using ends it", async () => {
  const { put, stream } = make();
  stream.write("begun");
  await stream[Symbol.asyncDispose]();
  expect(put.at(-1)).toEqual(["", true]);
});
