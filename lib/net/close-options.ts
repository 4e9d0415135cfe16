// What close() of a listener takes, whatever it listens for. Not here: what is done with it
// (listener.ts, lib/websocket/attach.ts, lib/adapters/http.ts).

import {
  rejectUnknownKeys,
  requireBoolean,
  requireDuration,
  requireObject,
} from "../errors/index.ts";
import type { ListenerCloseOptions } from "./types.ts";

const CLOSE_KEYS: ReadonlySet<string> = new Set(["timeout", "drain"]);

export interface CloseParameters {
  /** Milliseconds; undefined where each connection has its own limit. */
  readonly timeout: number | undefined;
  readonly drain: boolean;
}

/** @throws TypeError or RangeError */
export function readCloseOptions(options: ListenerCloseOptions = {}): CloseParameters {
  rejectUnknownKeys(requireObject(options, "options"), CLOSE_KEYS, "close()");
  const { timeout, drain = false } = options;
  if (timeout !== undefined) requireDuration(timeout, "timeout");
  return { timeout, drain: requireBoolean(drain, "drain") };
}
