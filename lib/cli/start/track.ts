// What the page knows of each connection: facts, states with their times, and whether it is
// answered. Time is handed in. Not here: listening (service.ts), the wire to the page (monitor.ts).

import type { Connection, ConnectionState, KeepAliveOptions } from "../../index.ts";

/** `client` is one that this process makes to itself, with a heartbeat. */
export type Kind = "ws" | "wss" | "tcp" | "tls" | "client";

/** A state, or what was done to the connection in between. */
export type Event = ConnectionState | "not answering" | "answering";

export interface Moment {
  readonly event: Event;
  /** Since the connection began. */
  readonly atMs: number;
  /** Why, where there is a reason. */
  readonly note: string;
}

/** What a connection of any kind can be asked and told. */
export interface Subject {
  readonly state: ConnectionState;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly writableNeedDrain: boolean;
  pause(): unknown;
  resume(): unknown;
  close(): unknown;
}

/** One connection, as the page gets it. */
export interface Facts {
  readonly id: number;
  readonly kind: Kind;
  readonly label: string;
  readonly peer: string;
  readonly state: ConnectionState;
  readonly isSilent: boolean;
  readonly isOver: boolean;
  readonly ageMs: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** From TCP_INFO; null where the kernel does not tell, and after the end. */
  readonly roundTripMs: number | null;
  readonly roundTripVarianceMs: number | null;
  readonly keepAlive: {
    readonly idle: number;
    readonly interval: number;
    readonly count: number;
  } | null;
  readonly heartbeat: { readonly interval: number; readonly timeout: number } | null;
  readonly history: readonly Moment[];
}

/** Moments kept of one connection: the first, and the latest. */
export const MAX_MOMENTS = 12;

export class Track {
  readonly id: number;
  readonly kind: Kind;
  readonly label: string;
  readonly heartbeat: Facts["heartbeat"];
  readonly #beganMs: number;
  readonly #history: Moment[] = [];
  #subject: Subject | null = null;
  #connection: Connection<never> | null = null;
  #peer = "";
  #silentSinceMs: number | null = null;
  #last: ConnectionState = "preparing";
  #endedMs: number | null = null;

  constructor(
    id: number,
    kind: Kind,
    label: string,
    nowMs: number,
    heartbeat: Facts["heartbeat"] = null,
  ) {
    this.id = id;
    this.kind = kind;
    this.label = label;
    this.heartbeat = heartbeat;
    this.#beganMs = nowMs;
    this.#add("preparing", nowMs, "");
  }

  /** It is open. */
  opened(subject: Subject, connection: Connection<never>, nowMs: number): void {
    this.#subject = subject;
    this.#connection = connection;
    const { remoteAddress = "", remoteFamily, remotePort = 0 } = connection;
    this.#peer = `${remoteFamily === "IPv6" ? `[${remoteAddress}]` : remoteAddress}:${remotePort}`;
    this.#note(subject.state, nowMs, "");
  }

  /** It is over; `why` is empty where nothing is to be said. */
  ended(state: "closed" | "failed", why: string, nowMs: number): void {
    this.#note(state, nowMs, why);
    this.#endedMs = nowMs;
  }

  get isOver(): boolean {
    return this.#endedMs !== null;
  }

  get endedMs(): number | null {
    return this.#endedMs;
  }

  get isSilent(): boolean {
    return this.#silentSinceMs !== null;
  }

  /** How long nobody has answered; null where somebody does. */
  silentForMs(nowMs: number): number | null {
    return this.#silentSinceMs === null ? null : nowMs - this.#silentSinceMs;
  }

  /**
   * Stops or goes on reading and answering. The kernel acknowledges what comes all the same, until
   * its buffer is full.
   */
  silence(isSilent: boolean, nowMs: number): void {
    const subject = this.#subject;
    if (subject === null || this.isOver || isSilent === this.isSilent) return;
    this.#silentSinceMs = isSilent ? nowMs : null;
    this.#add(isSilent ? "not answering" : "answering", nowMs, "");
    if (isSilent) subject.pause();
    else this.drained();
  }

  /** What was written has gone: reading goes on, unless it was stopped. */
  drained(): void {
    const subject = this.#subject;
    if (subject !== null && !this.isSilent && !subject.writableNeedDrain) subject.resume();
  }

  close(): void {
    this.#subject?.close();
  }

  roundTripMs(): number | null {
    return this.#connection?.info()?.roundTripTimeMs ?? null;
  }

  facts(nowMs: number): Facts {
    const subject = this.#subject;
    if (subject !== null && !this.isOver) this.#note(subject.state, nowMs, "");
    const info = this.isOver ? null : this.#connection?.info();
    return {
      id: this.id,
      kind: this.kind,
      label: this.label,
      peer: this.#peer,
      state: this.#last,
      isSilent: this.isSilent,
      isOver: this.isOver,
      ageMs: (this.#endedMs ?? nowMs) - this.#beganMs,
      bytesIn: subject?.bytesRead ?? 0,
      bytesOut: subject?.bytesWritten ?? 0,
      roundTripMs: info?.roundTripTimeMs ?? null,
      roundTripVarianceMs: info?.roundTripTimeVarianceMs ?? null,
      keepAlive: keepAliveOf(this.#connection),
      heartbeat: this.heartbeat,
      history: this.#history,
    };
  }

  #note(state: ConnectionState, nowMs: number, why: string): void {
    if (state === this.#last) return;
    this.#last = state;
    this.#add(state, nowMs, why);
  }

  #add(event: Event, nowMs: number, note: string): void {
    if (this.#history.length === MAX_MOMENTS) this.#history.splice(1, 1);
    this.#history.push({ event, atMs: nowMs - this.#beganMs, note });
  }
}

function keepAliveOf(connection: Connection<never> | null): Facts["keepAlive"] {
  const keepAlive = connection?.options.keepAlive as Required<KeepAliveOptions> | false | undefined;
  return keepAlive ? (keepAlive as NonNullable<Facts["keepAlive"]>) : null;
}
