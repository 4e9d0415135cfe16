// The table of the closing handshake: complete, and every path ends.

import { expect, test } from "vitest";
import {
  CLOSING_STATES,
  type ProtocolEvent,
  type ProtocolState,
} from "../../../lib/websocket/protocol/index.ts";
import { maySend, nextState } from "../../../lib/websocket/protocol/states.ts";

const STATES = Object.keys(CLOSING_STATES.rows) as ProtocolState[];
const EVENTS: ProtocolEvent[] = ["sendClose", "receiveClose", "fail", "end"];

test("the table, state by state", () => {
  const rows = STATES.map((state) =>
    [state, ...EVENTS.map((event) => nextState(state, event))].join(" "),
  );
  expect(rows).toEqual([
    "open closeSent closeReceived failed ended",
    "closeSent closeSent closeExchanged failed ended",
    "closeReceived closeExchanged closeReceived failed ended",
    "closeExchanged closeExchanged closeExchanged closeExchanged ended",
    "failed failed failed failed ended",
    "ended ended ended ended ended",
  ]);
});

test("every state and event is explained for the docs", () => {
  expect(Object.keys(CLOSING_STATES.states)).toEqual(STATES);
  expect(Object.keys(CLOSING_STATES.events)).toEqual(EVENTS);
  expect(CLOSING_STATES).toMatchObject({ initial: "open", terminal: ["ended"] });
});

test("every state but the last ends with the transport, and none leads back to open", () => {
  for (const state of STATES) {
    expect(nextState(state, "end")).toBe("ended");
    if (state !== "open")
      for (const event of EVENTS) expect(nextState(state, event)).not.toBe("open");
    expect(maySend(state)).toBe(state === "open");
  }
});
