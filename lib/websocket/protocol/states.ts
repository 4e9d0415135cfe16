// The closing handshake (RFC 6455 section 7.1) as a table: state x event -> state. What is done on
// the way stands in protocol.ts and sending-side.ts. An event without entry changes nothing.

import { next, type StateTable } from "../../core/states.ts";

export type ProtocolState =
  | "open"
  | "closeSent"
  | "closeReceived"
  | "closeExchanged"
  | "failed"
  | "ended";

export type ProtocolEvent = "sendClose" | "receiveClose" | "fail" | "end";

export const CLOSING_STATES: StateTable<ProtocolState, ProtocolEvent> = {
  name: "WebSocket closing handshake",
  initial: "open",
  terminal: ["ended"],
  rows: {
    open: { sendClose: "closeSent", receiveClose: "closeReceived", fail: "failed", end: "ended" },
    closeSent: { receiveClose: "closeExchanged", fail: "failed", end: "ended" },
    closeReceived: { sendClose: "closeExchanged", fail: "failed", end: "ended" },
    closeExchanged: { end: "ended" },
    failed: { end: "ended" },
    ended: {},
  },
  states: {
    open: "messages go both ways",
    closeSent: "our Close is out, the peer's is awaited",
    closeReceived: "the peer's Close came, ours waits behind what is queued",
    closeExchanged: "both are done: a server ends the transport, a client waits for that",
    failed: "a rule was broken or a bound reached: nothing more is read (section 7.1.7)",
    ended: "the transport has ended",
  },
  events: {
    sendClose: "our Close goes out",
    receiveClose: "the peer's Close comes in",
    fail: "a rule is broken, a bound or a time-out reached",
    end: "the transport ends",
  },
};

/** Data may be handed to send(): in no other state does a data frame leave (section 5.5.1). */
export function maySend(state: ProtocolState): boolean {
  return state === "open";
}

/** The state after an event, the same state where the table has no entry. */
export function nextState(state: ProtocolState, event: ProtocolEvent): ProtocolState {
  return next(CLOSING_STATES, state, event) ?? state;
}
