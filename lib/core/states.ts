// The state tables of connections and listeners: state x event -> state, as data. The classes, the
// tests and the diagrams in docs/states.md all read them.
// Not here: what is done on the way from one state to another.
//
// Rules that hold for every table, and are tested:
//  - `initial` leads to every state; every state leads to a terminal one.
//  - A terminal state leads to no other. Only `close` and `abort` are still possible there, and do
//    nothing, so that both may be called at any time.
//  - What is not in the table is impossible: `next` gives undefined, and whoever asked has a bug.

/** A machine: its rows, and one line about each state and event for the docs. */
export interface StateTable<State extends string, Event extends string> {
  readonly name: string;
  readonly initial: State;
  readonly terminal: readonly State[];
  readonly rows: Readonly<Record<State, Readonly<Partial<Record<Event, State>>>>>;
  readonly states: Readonly<Record<State, string>>;
  readonly events: Readonly<Record<Event, string>>;
}

/** The state that an event leads to, or undefined where it cannot happen. */
export function next<State extends string, Event extends string>(
  table: StateTable<State, Event>,
  state: State,
  event: Event,
): State | undefined {
  return table.rows[state][event];
}

/** Whether nothing can come after a state. */
export function isTerminal<State extends string>(
  table: StateTable<State, never>,
  state: State,
): boolean {
  return table.terminal.includes(state);
}

export type ConnectionState =
  | "setup"
  | "preparing"
  | "waiting"
  | "ready"
  | "closing"
  | "closed"
  | "failed";

export type ConnectionEvent =
  | "start"
  | "established"
  | "noPath"
  | "retry"
  | "close"
  | "peerFinished"
  | "finished"
  | "abort"
  | "fail";

/** Connections of every kind: streams, UDP flows, WebSockets. An accepted one starts in `ready`. */
export const CONNECTION_STATES: StateTable<ConnectionState, ConnectionEvent> = {
  name: "Connection",
  initial: "setup",
  terminal: ["closed", "failed"],
  rows: {
    setup: { start: "preparing", close: "closed", abort: "closed", fail: "failed" },
    preparing: {
      established: "ready",
      noPath: "waiting",
      close: "closing",
      abort: "closed",
      fail: "failed",
    },
    waiting: { retry: "preparing", close: "closed", abort: "closed", fail: "failed" },
    ready: {
      close: "closing",
      peerFinished: "closing",
      finished: "closed",
      abort: "closed",
      fail: "failed",
    },
    closing: {
      established: "closing",
      close: "closing",
      finished: "closed",
      abort: "closed",
      fail: "failed",
    },
    closed: { close: "closed", abort: "closed" },
    failed: { close: "failed", abort: "failed" },
  },
  states: {
    setup: "constructed; nothing has been done yet",
    preparing: "resolving, connecting, shaking hands; writes queue up to the mark",
    waiting: "no way to the peer now; tries again when the network changes (opt-in)",
    ready: "open in at least one direction",
    closing: "flushing, saying goodbye, waiting for the peer's end, within `closeTimeout`",
    closed: "over, by our own wish or after a clean end of both sides",
    failed: "over, with an error",
  },
  events: {
    start: "`start()`, or `connect()`",
    established: "every layer has shaken hands; while closing, queued writes can go out now",
    noPath: "a failure that a change of the network can cure, with `waitForConnectivity`",
    retry: "the network has changed, a while has passed, or `restart()`",
    close: "`close()`: what was written before it still goes out",
    peerFinished: "the peer's end has been consumed and `allowHalfOpen` is off, so ours follows",
    finished: "both sides have ended and everything is flushed",
    abort: "`abort()`, or `closeTimeout` has passed",
    fail: "an error, or a limit such as `connectTimeout`, `idleTimeout` or keepalive",
  },
};

export type ListenerState = "setup" | "preparing" | "ready" | "closing" | "closed" | "failed";

export type ListenerEvent = "start" | "listening" | "close" | "finished" | "abort" | "fail";

export const LISTENER_STATES: StateTable<ListenerState, ListenerEvent> = {
  name: "Listener",
  initial: "setup",
  terminal: ["closed", "failed"],
  rows: {
    setup: { start: "preparing", close: "closed", abort: "closed", fail: "failed" },
    preparing: { listening: "ready", close: "closed", abort: "closed", fail: "failed" },
    ready: { close: "closing", abort: "closed", fail: "failed" },
    closing: { close: "closing", finished: "closed", abort: "closed", fail: "failed" },
    closed: { close: "closed", abort: "closed" },
    failed: { close: "failed", abort: "failed" },
  },
  states: {
    setup: "constructed; nothing has been done yet",
    preparing: "resolving the name, binding",
    ready: "the port is known, connections are accepted",
    closing: "accepts no more; its connections are ending",
    closed: "over; all its connections have ended",
    failed: "over, with an error",
  },
  events: {
    start: "`listen()`",
    listening: "every address is bound and listens",
    close: "`close()`",
    finished: "the last connection has ended",
    abort: "the time of `close({ timeout })` has passed: the rest was aborted",
    fail: "the address cannot be bound, or the listening socket is broken",
  },
};
