// When a connection must act without a byte having come: heartbeat (B14), idle and close time-outs.
// Pure arithmetic over `now`, in milliseconds of any monotonic clock; no timer is set here.

import { rejectUnknownKeys, requireDuration, requireObject } from "../../errors/arguments.ts";
import { CLOSE_TIMEOUT_MS, HEARTBEAT_TIMEOUT_MS } from "./limits.ts";

export interface TimeoutSettings {
  /** Milliseconds without a byte from the peer after which a ping leaves; 0 is off. Default 0. */
  readonly heartbeatInterval: number;
  /** Milliseconds after such a ping without any byte: the peer is dead. Default 10,000. */
  readonly heartbeatTimeout: number;
  /** Milliseconds without a message either way, then Close 1001; 0 is off. Default 0. */
  readonly idleTimeout: number;
  /** Milliseconds from our Close or our failure to the abort of the transport. Default 30,000. */
  readonly closeTimeout: number;
}

export const DEFAULT_TIMEOUTS: TimeoutSettings = Object.freeze({
  heartbeatInterval: 0,
  heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
  idleTimeout: 0,
  closeTimeout: CLOSE_TIMEOUT_MS,
});

const TIMEOUT_NAMES = new Set(Object.keys(DEFAULT_TIMEOUTS));

/** Fills in defaults; TypeError or RangeError for an unknown key and for what is no duration. */
export function resolveTimeouts(timeouts: Partial<TimeoutSettings> = {}): TimeoutSettings {
  rejectUnknownKeys(requireObject(timeouts, "timeouts"), TIMEOUT_NAMES, "timeouts");
  const resolved = {
    heartbeatInterval: timeouts.heartbeatInterval ?? DEFAULT_TIMEOUTS.heartbeatInterval,
    heartbeatTimeout: timeouts.heartbeatTimeout ?? DEFAULT_TIMEOUTS.heartbeatTimeout,
    idleTimeout: timeouts.idleTimeout ?? DEFAULT_TIMEOUTS.idleTimeout,
    closeTimeout: timeouts.closeTimeout ?? DEFAULT_TIMEOUTS.closeTimeout,
  };
  for (const [name, value] of Object.entries(resolved)) requireDuration(value, name);
  return Object.freeze(resolved);
}

/** What is due; at most one thing, the gravest. */
export type DueAction = "none" | "ping" | "heartbeatTimeout" | "idleTimeout" | "closeTimeout";

export class Deadlines {
  private readonly settings: TimeoutSettings;
  private lastHeard: number;
  private lastMessage: number;
  /** When the heartbeat's ping that is not yet answered left; -1 for none. */
  private pingedAt = -1;
  /** When closing began; -1 before. */
  private closingSince = -1;

  constructor(settings: TimeoutSettings, now: number) {
    this.settings = settings;
    this.lastHeard = this.lastMessage = now;
  }

  /** Any byte of the peer proves that it lives. */
  heard(now: number): void {
    this.lastHeard = now;
    this.pingedAt = -1;
  }

  /** A message went either way. */
  message(now: number): void {
    this.lastMessage = now;
  }

  pinged(now: number): void {
    this.pingedAt = now;
  }

  /** Closing has begun; only its own time-out counts from here on. */
  closing(now: number): void {
    if (this.closingSince < 0) this.closingSince = now;
  }

  /**
   * The moment at which tick() has something to do, Infinity for never. `reading` is false while
   * the application holds reading back: silence proves nothing then.
   */
  next(reading: boolean): number {
    const { heartbeatInterval, heartbeatTimeout, idleTimeout, closeTimeout } = this.settings;
    if (this.closingSince >= 0) return this.closingSince + closeTimeout;
    let next = Number.POSITIVE_INFINITY;
    if (heartbeatInterval > 0 && reading) {
      next =
        this.pingedAt >= 0 ? this.pingedAt + heartbeatTimeout : this.lastHeard + heartbeatInterval;
    }
    if (idleTimeout > 0) next = Math.min(next, this.lastMessage + idleTimeout);
    return next;
  }

  due(now: number, reading: boolean): DueAction {
    const { heartbeatInterval, idleTimeout } = this.settings;
    if (now < this.next(reading)) return "none";
    if (this.closingSince >= 0) return "closeTimeout";
    if (heartbeatInterval > 0 && reading && this.pingedAt >= 0) {
      if (now >= this.pingedAt + this.settings.heartbeatTimeout) return "heartbeatTimeout";
    }
    if (idleTimeout > 0 && now >= this.lastMessage + idleTimeout) return "idleTimeout";
    return "ping";
  }
}
