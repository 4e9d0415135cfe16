// What the layers of a WebSocket share besides its object: what was agreed on, who owns it, what
// only some have, the facts that are one bit each, and whose an error is. No logic.

import type { Deferred } from "../core/waiting.ts";
import type { Ending } from "../net/connection-base.ts";
import type { CloseResult, SendData } from "../net/types.ts";
import type { WebSocketConnection } from "./connection.ts";
import type { DeflateParameters } from "./protocol/index.ts";
import type { BroadcastOptions } from "./types.ts";

/** What the opening handshake has settled; one object for all of a listener's that agree. */
export interface Agreed {
  /** Null for one that no listener has. */
  readonly owner: SocketOwner | null;
  readonly url: string;
  readonly protocol: string;
  readonly extensions: string;
  readonly deflate: DeflateParameters | null;
}

/** Who has a WebSocket: its listener. Not public. */
export interface SocketOwner {
  socketClosed(socket: WebSocketConnection<never>): void;
  subscribe(topic: string, socket: WebSocketConnection<never>): void;
  unsubscribe(topic: string, socket: WebSocketConnection<never>): void;
  publish(
    topic: string,
    message: SendData,
    options: BroadcastOptions | undefined,
    except: WebSocketConnection<never> | null,
  ): number;
}

/** What most WebSockets have only when they end, or never: made then. */
export interface Extras {
  /** How the stream ended. */
  ending: Ending | null;
  /** How the WebSocket did. */
  result: CloseResult | null;
  /** Who asked how it will. */
  closed: Deferred<CloseResult> | null;
  /** Who has sent what the thread pool still compresses. */
  whenCompressed: (() => void)[] | null;
}

/** The application has called `pause()`. */
export const PAUSED = 1;
/** The inbox is full. */
export const FULL = 2;
/** `close()` was called. */
export const CLOSING = 4;
/** It is over, and everybody is being told. */
export const TOLD = 8;
/** The deadline of closing runs. */
export const CLOSE_TIMED = 16;
/** Above the mark while messages wait for compression. */
export const WANTS_DRAIN = 32;
/** A message is being inflated. */
export const INFLATING = 64;
/** The opening handshake is not over. */
export const OPENING = 128;
/** Everybody was told that it is over, and who asks for `closed` may know as well. */
export const DONE = 256;

/** Errors that were made for a WebSocket, so that a handler may pass them on. */
export const makers = new WeakMap<object, object>();
