// Thousands of connections of hawser's that exchange records (records.ts), both ways: who connects
// speaks now and then, who listens checks what comes and answers with the same. Used by a process
// of its own (crowd.ts) and beside the connection under test (driver.ts). Not here: commands.

import { readdirSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import {
  type Connection,
  connect,
  counters,
  type HawserError,
  type Listener,
  listen,
} from "../../../lib/index.ts";
import type { ConnectOptions, ListenOptions, StreamEndpoint } from "../../../lib/net/types.ts";
import { sharedNow } from "./program.ts";
import { RecordReader, recordOf } from "./records.ts";

interface Member {
  readonly port: number;
  /** What comes in. */
  readonly reader: RecordReader;
  /** Records that it has said of itself; undefined where it only answers. */
  said: number | undefined;
}

type Crowded = Connection<Member>;

/** Those of one port that are gone. */
export interface Dead {
  readonly count: number;
  /** How many were told what: reason or code, or "end" after a clean one. */
  readonly told: Readonly<Record<string, number>>;
  /** When the first and the last of them were told (`sharedNow`). */
  readonly firstAt: number;
  readonly lastAt: number;
}

/** A connection that did not come about. */
export interface Refused {
  readonly code: string;
  readonly reason: string | null;
  readonly phase: string | null;
  readonly tookMs: number;
}

export interface Report {
  readonly open: Readonly<Record<string, number>>;
  /** Connections of a port of which something is still on the way. */
  readonly unanswered: Readonly<Record<string, number>>;
  /** Records that were whole and in order, by port, of those that are open. */
  readonly records: Readonly<Record<string, number>>;
  readonly dead: Readonly<Record<string, Dead>>;
  /** What was wrong with bytes, of the living and the dead. */
  readonly problems: readonly string[];
  /** What listeners were told, each with how often. */
  readonly listenerErrors: Readonly<Record<string, number>>;
}

/** What the process holds. */
export interface Held {
  readonly descriptors: number;
  readonly openSlots: number;
  /** Without what nobody refers to any more. */
  readonly keptBytes: number;
}

/** Connections that are made at once. */
const BATCH = 250;
/** Parts of the crowd that speak one after the other. */
const PARTS = 20;
const PROBLEMS_KEPT = 20;
const SWEPT_MS = 200;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

export class CrowdMembers {
  readonly #open = new Map<number, Set<Crowded>>();
  readonly #dead = new Map<number, { at: number; told: string }[]>();
  readonly #listeners: Listener<Member>[] = [];
  readonly #listenerErrors: Record<string, number> = {};
  #problems: string[] = [];
  #nextMember = 0;
  #timer: NodeJS.Timeout | undefined;

  /** Answers everything with the same bytes. Resolves with the port. */
  async serve(endpoint: StreamEndpoint, options: ListenOptions = {}): Promise<number> {
    const listener: Listener<Member> = await listen<Member>(
      endpoint as never,
      {
        ...options,
        open: (one: Crowded) => this.#join(one, one.localPort as number, undefined),
        data: (one: Crowded, bytes: Buffer) => {
          this.#check(one, bytes);
          one.write(bytes);
        },
        close: (one: Crowded, error: HawserError | null) => this.#leave(one, error),
        error: (_listener: unknown, { code }: HawserError) => {
          this.#listenerErrors[code] = (this.#listenerErrors[code] ?? 0) + 1;
        },
      } as never,
    );
    this.#listeners.push(listener);
    return listener.port as number;
  }

  /** Takes in as many as like to come, also where none were let in so far. */
  admit(): void {
    for (const listener of this.#listeners) {
      listener.newConnectionLimit = Number.POSITIVE_INFINITY;
    }
  }

  /** Connects so many. Resolves with those that could not. */
  async join(
    endpoint: StreamEndpoint,
    options: ConnectOptions = {},
    count = 1,
  ): Promise<readonly Refused[]> {
    const port = Number(String(endpoint).split(":").at(-1));
    const refused: Refused[] = [];
    for (let left = count; left > 0; left -= BATCH) {
      const batch = Array.from({ length: Math.min(BATCH, left) }, async () => {
        const askedAt = sharedNow();
        try {
          await connect<Member>(
            endpoint as never,
            {
              ...options,
              open: (one: Crowded) => this.#join(one, port, this.#nextMember++),
              data: (one: Crowded, bytes: Buffer) => this.#check(one, bytes),
              close: (one: Crowded, error: HawserError | null) => this.#leave(one, error),
            } as never,
          );
        } catch (thrown) {
          const { code, reason = null, phase = null } = thrown as HawserError;
          refused.push({ code, reason, phase, tookMs: sharedNow() - askedAt });
        }
      });
      await Promise.all(batch);
    }
    return refused;
  }

  /** From now on every connection that was made here says a record each `everyMs`. */
  talk(everyMs: number): void {
    this.hush();
    let part = 0;
    this.#timer = setInterval(() => {
      part = (part + 1) % PARTS;
      for (const one of this.#members()) {
        const { member } = one.data.reader;
        if (one.data.said !== undefined && (member as number) % PARTS === part) say(one);
      }
    }, everyMs / PARTS);
  }

  /** Every connection that was made here says a record. */
  sayAll(): void {
    for (const one of this.#members()) if (one.data.said !== undefined) say(one);
  }

  hush(): void {
    clearInterval(this.#timer);
  }

  /** Each connection to that port speaks until so many bytes wait for the kernel to take them. */
  async flood(port: number, bytes: number): Promise<void> {
    for (const one of this.#open.get(port) ?? []) {
      while (one.bufferedAmount < bytes && one.state === "ready") {
        say(one);
        // What is said in one turn waits until its end.
        if (one.bufferedAmount >= bytes) await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }

  report(): Report {
    const ofPorts = <T>(count: (members: Set<Crowded>) => T): Record<string, T> =>
      Object.fromEntries([...this.#open].map(([port, members]) => [port, count(members)]));
    const sum = (members: Set<Crowded>, of: (one: Crowded) => number) =>
      [...members].reduce((total, one) => total + of(one), 0);
    return {
      open: ofPorts((members) => members.size),
      unanswered: ofPorts((members) => sum(members, (one) => (isAnswered(one) ? 0 : 1))),
      records: ofPorts((members) => sum(members, (one) => one.data.reader.records)),
      dead: Object.fromEntries([...this.#dead].map(([port, dead]) => [port, summaryOf(dead)])),
      problems: this.#problems,
      listenerErrors: this.#listenerErrors,
    };
  }

  async held(): Promise<Held> {
    collect();
    // Bytes outside of the heap are given back beside a collection, and counted off at the next.
    await new Promise((resolve) => setTimeout(resolve, SWEPT_MS));
    collect();
    const { heapUsed, external } = process.memoryUsage();
    return {
      descriptors: readdirSync("/proc/self/fd").length,
      openSlots: counters().openSlots,
      keptBytes: heapUsed + external,
    };
  }

  /** Forgets the dead, so that the next ones are told apart. */
  forget(): void {
    this.#dead.clear();
  }

  /** Closes those of a port. */
  async leavePort(port: number): Promise<void> {
    await Promise.all([...(this.#open.get(port) ?? [])].map((one) => one.close()));
  }

  /** Closes all. */
  async leave(): Promise<void> {
    this.hush();
    await Promise.all([...this.#members()].map((one) => one.close()));
    await Promise.all(this.#listeners.splice(0).map((listener) => listener.close()));
    this.#dead.clear();
  }

  *#members(): Generator<Crowded> {
    for (const members of this.#open.values()) yield* members;
  }

  #join(one: Crowded, port: number, member: number | undefined): void {
    const said = member === undefined ? undefined : 0;
    one.data = { port, reader: new RecordReader(member), said };
    let members = this.#open.get(port);
    if (members === undefined) {
      members = new Set();
      this.#open.set(port, members);
    }
    members.add(one);
  }

  #leave(one: Crowded, error: HawserError | null): void {
    const { port } = one.data;
    this.#open.get(port)?.delete(one);
    const dead = this.#dead.get(port) ?? [];
    dead.push({ at: sharedNow(), told: error === null ? "end" : (error.reason ?? error.code) });
    this.#dead.set(port, dead);
  }

  #check({ data: { reader } }: Crowded, bytes: Buffer): void {
    if (reader.problem !== undefined) return;
    reader.read(bytes);
    if (reader.problem !== undefined && this.#problems.length < PROBLEMS_KEPT) {
      this.#problems.push(reader.problem);
    }
  }
}

function say(one: Crowded): void {
  const { data } = one;
  one.write(recordOf(data.reader.member as number, data.said as number));
  data.said = (data.said as number) + 1;
}

/** Whether all that it said has come back; where it only answers, whether all has been answered. */
function isAnswered(one: Crowded): boolean {
  const { said, reader } = one.data;
  if (said !== undefined) return said === reader.records;
  return reader.isWhole && one.bufferedAmount === 0 && one.bytesRead === one.bytesWritten;
}

function summaryOf(dead: readonly { at: number; told: string }[]): Dead {
  const told: Record<string, number> = {};
  for (const one of dead) told[one.told] = (told[one.told] ?? 0) + 1;
  const at = dead.map((one) => one.at);
  return { count: dead.length, told, firstAt: Math.min(...at), lastAt: Math.max(...at) };
}
