// The suite finds what it looks for: sides under test that do one thing wrong each.

import { expect, test } from "vitest";
import type WS from "ws";
import type { Case } from "./case.ts";
import { allCases } from "./cases/index.ts";
import { wsEcho, wsServer } from "./subjects.ts";
import { deviations, PATIENCE, runCases } from "./suite.ts";

const cases = allCases("brief");
/** Short, for what never comes is waited for. */
const patience = { answerMs: PATIENCE.answerMs / 20, verdictMs: PATIENCE.verdictMs };

function only(...ids: string[]): readonly Case[] {
  return cases.filter(({ id }) => ids.includes(id));
}

async function found(serve: (socket: WS) => void, ids: readonly string[]): Promise<string[]> {
  await using subject = await wsServer("spoilt", serve);
  return deviations(await runCases(only(...ids), subject, { patience }));
}

function echoing(
  change: (data: Buffer, binary: boolean, socket: WS) => void,
): (socket: WS) => void {
  return (socket) => {
    socket.on("error", () => {});
    socket.on("message", (data, binary) => change(data as Buffer, binary, socket));
  };
}

test("an honest side passes the cases that the others fail below", async () => {
  const ids = ["1.1.3", "1.2.3", "2.2", "5.6", "7.1.1", "7.7.2", "12.1.5", "13.2.5"];
  expect(await found(wsEcho, ids)).toEqual([]);
});

test("one changed byte of the same length is found", async () => {
  const spoilt = echoing((data, binary, socket) => {
    data[data.length >> 1] = (data[data.length >> 1] as number) ^ 1;
    socket.send(data, { binary });
  });
  expect(await found(spoilt, ["1.1.3", "1.2.3", "12.1.5"])).toEqual([
    expect.stringMatching(/^1\.1\.3 wrong: text \[126 bytes.* came, not text \[126 bytes/),
    expect.stringMatching(/^1\.2\.3 wrong/),
    expect.stringMatching(/^12\.1\.5 wrong/),
  ]);
});

test("the wrong type of message is found", async () => {
  const spoilt = echoing((data, binary, socket) => socket.send(data, { binary: !binary }));
  expect(await found(spoilt, ["1.1.3"])).toEqual([
    expect.stringMatching(/^1\.1\.3 wrong: binary .* came, not text/),
  ]);
});

test("a message too many, and one too few, are found", async () => {
  const twice = echoing((data, binary, socket) => {
    socket.send(data, { binary });
    socket.send(data, { binary });
  });
  expect(await found(twice, ["7.1.1"])).toEqual([
    expect.stringMatching(/^7\.1\.1 wrong: text .* came, not a Close with 1000/),
  ]);
  expect(
    await found(
      echoing(() => {}),
      ["7.1.1"],
    ),
  ).toEqual(["7.1.1 wrong: nothing came, not text [10 bytes: 48656c6c6f2c20656e64]"]);
});

test("a pong behind its message, and no pong at all, are found", async () => {
  const silent = (socket: WS) => {
    (socket as unknown as { _autoPong: boolean })._autoPong = false;
    wsEcho(socket);
  };
  expect(await found(silent, ["2.2", "5.6"])).toEqual([
    expect.stringMatching(/^2\.2 wrong: nothing came, not pong/),
    expect.stringMatching(/^5\.6 wrong: text .* came, not pong/),
  ]);
});

test("a wrong close code, and a Close that TCP's end does not follow, are found", async () => {
  const other = (socket: WS) => {
    wsEcho(socket);
    const close = socket.close.bind(socket);
    socket.close = () => close(3_333);
  };
  expect(await found(other, ["7.7.2"])).toEqual([
    "7.7.2 wrong: run 1: a Close with 3333 came, not a Close with 1001",
  ]);
  const open = (socket: WS) => {
    wsEcho(socket);
    const raw = (socket as unknown as { _socket: { end: () => void } })._socket;
    raw.end = () => {};
  };
  expect(await found(open, ["7.7.2"])).toEqual([
    "7.7.2 wrong: run 1: nothing came behind the Close",
  ]);
});

test("an end without a Close is found", async () => {
  const dropping = echoing((_data, _binary, socket) => socket.terminate());
  expect(await found(dropping, ["7.1.1"])).toEqual([
    expect.stringMatching(/^7\.1\.1 wrong: (?:reset|end) came, not text/),
  ]);
});

test("a side that does not compress what it agreed to compress is found", async () => {
  const plain = echoing((data, binary, socket) => socket.send(data, { binary, compress: false }));
  expect(await found(plain, ["12.1.5"])).toEqual(["12.1.5 wrong: it never compressed"]);
});

test("a context that is kept although none was agreed on is found", async () => {
  // The package is told of the parameter on the wire only.
  const keeping = (socket: WS) => {
    const { _extensions } = socket as unknown as {
      _extensions: Record<string, { params: Record<string, unknown> }>;
    };
    const deflate = _extensions["permessage-deflate"];
    if (deflate !== undefined) deflate.params["server_no_context_takeover"] = false;
    wsEcho(socket);
  };
  expect(await found(keeping, ["13.2.5"])).toEqual([expect.stringMatching(/^13\.2\.5 wrong/)]);
});
