// The WebSocketError of the WHATWG's proposal.

import { expect, test } from "vitest";
import { WebSocketError } from "../../lib/index.ts";
import { uncleanClose } from "../../lib/websocket/websocket-error.ts";

const named = (name: string) => expect.objectContaining({ name });

test("is a DOMException with the code and the reason of a Close", () => {
  const error = new WebSocketError("bye", { closeCode: 4_000, reason: "why" });
  expect(error).toBeInstanceOf(DOMException);
  expect(error).toBeInstanceOf(Error);
  expect([error.name, error.message, error.code]).toEqual(["WebSocketError", "bye", 0]);
  expect([error.closeCode, error.reason]).toEqual([4_000, "why"]);
});

test("without arguments it has no code; a reason alone goes with 1000", () => {
  const plain = new WebSocketError();
  expect([plain.message, plain.closeCode, plain.reason]).toEqual(["", null, ""]);
  const reasoned = new WebSocketError("", { reason: "lone \ud800" });
  expect([reasoned.closeCode, reasoned.reason]).toEqual([1_000, "lone \ufffd"]);
  expect(new WebSocketError("", { closeCode: 3_000.7 }).closeCode).toBe(3_000);
});

test("codes and reasons that may not be sent are refused", () => {
  for (const closeCode of [0, 999, 1_001, 1_006, 2_999, 5_000, 65_535]) {
    expect(() => new WebSocketError("", { closeCode })).toThrow(named("InvalidAccessError"));
  }
  for (const closeCode of [-1, 65_536, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => new WebSocketError("", { closeCode })).toThrow(TypeError);
  }
  const reason = "é".repeat(62);
  expect(() => new WebSocketError("", { closeCode: 1_000, reason })).toThrow(named("SyntaxError"));
});

test("how a WebSocket ended may have any code, and its cause", () => {
  const cause = new Error("of the stream");
  const error = uncleanClose("lost", 1_006, "", cause);
  expect([error.name, error.closeCode, error.cause]).toEqual(["WebSocketError", 1_006, cause]);
  expect("cause" in uncleanClose("lost", 1_006, "", null)).toBe(false);
});
