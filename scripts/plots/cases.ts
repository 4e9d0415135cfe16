// The cases of docs/dead-peers.md as runs: one fault, and several contestants that meet it, each on
// hosts of its own. What is measured is when each learned of it, and what it was told. Not here:
// how that is drawn (draw.ts).

import { type Hosts, nothingFor, withHosts } from "../../test/faults/support/machines.ts";
import { SERVER_ADDRESS } from "../../test/faults/support/network.ts";
import { type Program, sharedNow } from "../../test/faults/support/program.ts";

const PORT = 7_000;
/** How long each is watched after the fault. */
export const WATCHED_SECONDS = 20;

export interface Outcome {
  readonly who: string;
  /** Seconds from the fault until it was told; null: not within WATCHED_SECONDS. */
  readonly toldAfter: number | null;
  readonly code: string | null;
  readonly reason: string | null;
}

export interface PlotCase {
  readonly name: string;
  readonly title: string;
  /** What is right here: to be told, or to be left alone. */
  readonly isDead: boolean;
  readonly contestants: Readonly<Record<string, Contestant>>;
  /** The fault, and what is done then. The time of it. */
  fault(hosts: Hosts, one: Running): Promise<number>;
}

/** A contestant under way. */
export interface Running {
  readonly peer: Program;
  write(bytes: number, times: number): Promise<void>;
  /** How it ended, when it has. */
  ended(): Promise<{ at: number; code: string | null; reason?: string | null }>;
}

type Contestant = (hosts: Hosts, peer: Program) => Promise<Omit<Running, "peer">>;

const endpoint = (scheme: string) => `${scheme}://${SERVER_ADDRESS}:${PORT}`;

function hawser(scheme: "tcp" | "ws", options: object): Contestant {
  const kind = scheme === "ws" ? "websocket" : "connection";
  return async (hosts, peer) => {
    const program = await hosts.hawser("client", kind);
    const [connection] = await Promise.all([
      program.connect(endpoint(scheme), options),
      peer.ask("accept", { websocket: scheme === "ws" }),
    ]);
    return {
      async write(bytes, times) {
        for (let count = 0; count < times; count++) await connection.write(bytes);
      },
      ended: () => connection.ended(),
    };
  };
}

function foreign(
  kind: "net" | "ws",
  options: object,
  bare?: readonly [string, number],
): Contestant {
  return async (hosts, peer) => {
    const program = await hosts.contestant("client");
    await Promise.all([
      program.ask(kind, { address: SERVER_ADDRESS, port: PORT, ...options }),
      peer.ask("accept", { websocket: kind === "ws" }),
    ]);
    if (bare !== undefined) await program.ask("option", { name: bare[0], value: bare[1] });
    return {
      write: async (bytes, times) => void (await program.ask("write", { bytes, times })),
      async ended() {
        const { at, code } = await program.event(({ event }) => event === "ended");
        return { at: at as number, code: code as string | null };
      },
    };
  };
}

const keepAlive = { idle: 2_000, interval: 1_000, count: 2 };
/** Neither of these would be told of anything without it, nor should it help them here. */
const quiet = { keepAlive: false, stallTimeout: 0 } as const;

const vanished: Readonly<Record<string, Contestant>> = {
  "net, as it is": foreign("net", {}),
  "net, setKeepAlive(true, 2 s)": foreign("net", { keepAliveMs: 2_000 }),
  "net, TCP_USER_TIMEOUT 3 s": foreign("net", {}, ["TCP_USER_TIMEOUT", 3_000]),
  "ws, as it is": foreign("ws", {}),
  "ws, ping every 2 s by hand": foreign("ws", { pingMs: 2_000 }),
  "hawser, keepAlive 2/1/2 s": hawser("tcp", { keepAlive }),
  "hawser, dropTimeout 3 s": hawser("tcp", { ...quiet, dropTimeout: 3_000 }),
  "hawser WebSocket, heartbeat 2 s + 1 s": hawser("ws", {
    ...quiet,
    heartbeat: { interval: 2_000, timeout: 1_000 },
  }),
};

async function blackHole({ network }: Hosts): Promise<number> {
  await network.blackHole();
  return sharedNow();
}

export const CASES: readonly PlotCase[] = [
  {
    name: "idle",
    title: "The peer vanishes, nothing is being sent",
    isDead: true,
    contestants: vanished,
    fault: blackHole,
  },
  {
    name: "pending",
    title: "The peer vanishes, and something is sent then",
    isDead: true,
    contestants: vanished,
    async fault(hosts, { write }) {
      const at = await blackHole(hosts);
      await write(1_000, 1);
      return at;
    },
  },
  {
    name: "not-reading",
    title: "The peer is alive, and does not read",
    isDead: false,
    contestants: {
      "net, as it is": foreign("net", {}),
      "net, TCP_USER_TIMEOUT 3 s": foreign("net", {}, ["TCP_USER_TIMEOUT", 3_000]),
      "ws, as it is": foreign("ws", {}),
      "ws, ping every 2 s by hand": foreign("ws", { pingMs: 2_000 }),
      "hawser, keepAlive 2/1/2 s": hawser("tcp", { keepAlive, stallTimeout: 0 }),
      "hawser, dropTimeout 3 s": hawser("tcp", { ...quiet, dropTimeout: 3_000 }),
      "hawser, stallTimeout 8 s": hawser("tcp", { ...quiet, stallTimeout: 8_000 }),
      "hawser WebSocket, dropTimeout 3 s": hawser("ws", { ...quiet, dropTimeout: 3_000 }),
    },
    async fault(_hosts, { write }) {
      const at = sharedNow();
      await write(65_536, 200);
      return at;
    },
  },
  {
    name: "half-close",
    title: "The peer has ended, and vanishes: our own side is still open",
    isDead: true,
    contestants: {
      "net, allowHalfOpen": foreign("net", { allowHalfOpen: true }),
      "net, allowHalfOpen, setKeepAlive(true, 2 s)": foreign("net", {
        allowHalfOpen: true,
        keepAliveMs: 2_000,
      }),
      "hawser, allowHalfOpen, keepAlive 60/10/3 s": hawser("tcp", { allowHalfOpen: true }),
      "hawser, allowHalfOpen, keepAlive 2/1/2 s": hawser("tcp", { allowHalfOpen: true, keepAlive }),
    },
    async fault(hosts, { peer }) {
      await peer.ask("shutdown");
      await nothingFor(200);
      return blackHole(hosts);
    },
  },
];

/** Runs a case: its contestants side by side. */
export function runCase(one: PlotCase): Promise<Outcome[]> {
  return Promise.all(
    Object.entries(one.contestants).map(([who, start]) => runContestant(one, who, start)),
  );
}

async function runContestant(one: PlotCase, who: string, start: Contestant): Promise<Outcome> {
  let outcome: Outcome = { who, toldAfter: null, code: null, reason: null };
  await withHosts(async (hosts) => {
    const peer = await hosts.python("server");
    await peer.ask("listen", { port: PORT, receiveBuffer: 32_768 });
    const running = { ...(await start(hosts, peer)), peer };
    await nothingFor(300);
    const at = await one.fault(hosts, running);
    // Its program is ended with the hosts.
    const ended = running.ended().catch(() => null);
    const end = await Promise.race([ended, nothingFor(WATCHED_SECONDS * 1_000)]);
    if (end === null || end === undefined) return;
    const toldAfter = Math.round((end.at - at) / 100) / 10;
    outcome = { who, toldAfter, code: end.code, reason: end.reason ?? null };
  });
  return outcome;
}
