// A process with thousands of connections of hawser's that exchange bytes whose every position is
// known: takes commands as driver.ts does. Each connection checks what it gets as it gets it.

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
import type { ConnectOptions, StreamEndpoint } from "../../../lib/net/types.ts";
import { answerCommands, type NamedCommand } from "./commands.ts";
import { patternOf } from "./pattern.ts";
import { sharedNow } from "./program.ts";

interface Command extends NamedCommand {
  readonly endpoint: StreamEndpoint;
  readonly options: ConnectOptions;
  readonly count: number;
  readonly bytes: number;
  readonly everyMs: number;
}

interface Member {
  readonly port: number;
  received: number;
}

type Crowded = Connection<Member>;

/** One message is at most this much of the pattern; longer ones are compared in parts. */
const PATTERN_PERIOD = 251 * 256;
const PATTERN = patternOf(0, 2 * PATTERN_PERIOD);

const open = new Map<number, Set<Crowded>>();
const dead: { at: number; port: number; code: string; reason: string | null }[] = [];
const listeners: Listener<Member>[] = [];
let wrongBytes = 0;
let checkedBytes = 0;
let timer: NodeJS.Timeout | undefined;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** What this process keeps alive, without what nobody refers to any more. */
function keptBytes(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function check(connection: Crowded, bytes: Buffer): void {
  const { data: member } = connection;
  for (let from = 0; from < bytes.length; from += PATTERN_PERIOD) {
    const part = bytes.subarray(from, from + PATTERN_PERIOD);
    const at = member.received % PATTERN_PERIOD;
    if (!part.equals(PATTERN.subarray(at, at + part.length))) wrongBytes += part.length;
    checkedBytes += part.length;
    member.received += part.length;
  }
}

function join(connection: Crowded, port: number): void {
  connection.data = { port, received: 0 };
  let members = open.get(port);
  if (members === undefined) {
    members = new Set();
    open.set(port, members);
  }
  members.add(connection);
}

const ending = {
  close(connection: Crowded, error: HawserError | null): void {
    const { port } = connection.data;
    open.get(port)?.delete(connection);
    if (error === null) return;
    dead.push({ at: sharedNow(), port, code: error.code, reason: error.reason ?? null });
  },
};

const operations: Record<string, (command: Command) => unknown> = {
  /** Answers everything with the same bytes. */
  async serve({ endpoint, options }) {
    const listener: Listener<Member> = await listen<Member>(endpoint, {
      ...options,
      ...ending,
      open: (connection: Crowded) => join(connection, connection.localPort as number),
      data(connection: Crowded, bytes: Buffer) {
        check(connection, bytes);
        connection.write(bytes);
      },
    } as never);
    listeners.push(listener);
  },

  async join({ endpoint, options, count }) {
    const port = Number(String(endpoint).split(":").at(-1));
    const data = (connection: Crowded, bytes: Buffer) => check(connection, bytes);
    for (let left = count; left > 0; left -= 250) {
      const size = Math.min(250, left);
      const batch = Array.from({ length: size }, () =>
        connect<Member>(endpoint as never, { ...options, ...ending, data } as never),
      );
      for (const one of await Promise.all(batch)) join(one as Crowded, port);
    }
  },

  /** Every connection writes now and then. */
  talk({ bytes, everyMs }) {
    timer = setInterval(() => {
      for (const members of open.values()) {
        for (const connection of members) {
          const at = connection.bytesWritten % PATTERN_PERIOD;
          connection.write(PATTERN.subarray(at, at + bytes));
        }
      }
    }, everyMs);
  },

  hush: () => clearInterval(timer),

  report() {
    const left = [...open].map(([port, members]) => [port, members.size]);
    const unanswered = [...open].map(([port, members]) => [
      port,
      [...members].filter((one) => one.bytesWritten !== one.bytesRead).length,
    ]);
    return {
      open: Object.fromEntries(left),
      unanswered: Object.fromEntries(unanswered),
      dead,
      wrongBytes,
      checkedBytes,
      descriptors: readdirSync("/proc/self/fd").length,
      openSlots: counters().openSlots,
    };
  },

  /** What is given back when all have left. The list of the dead is the test's own. */
  memory() {
    dead.length = 0;
    return { keptBytes: keptBytes() };
  },

  async leave() {
    const all = [...open.values()].flatMap((members) => [...members]);
    await Promise.all(all.map((connection) => connection.close()));
    await Promise.all(listeners.map((listener) => listener.close()));
  },
};

answerCommands(operations);
