// What a scenario works with: the hosts of a network, hawser on one of them and a peer that is not
// hawser's on another. Everything started here is ended with the scenario. Not here: tests
// (hosts.ts); plots use this without any.

import { join } from "node:path";
import { nodeArguments } from "../../support/environment.ts";
import { type HostName, Network } from "./network.ts";
import { crowdSize, type Line, Program } from "./program.ts";
import type { StreamKind } from "./streams.ts";

const here = (...parts: string[]) => join(import.meta.dirname, "..", ...parts);

/** How a connection ended, as hawser told it. Times are those of `sharedNow`. */
export interface Ended {
  readonly at: number;
  readonly code: string | null;
  readonly reason: string | null;
  readonly phase: string | null;
  readonly initiator: string;
  readonly state: string;
  readonly bytes: {
    readonly handedOver: number;
    readonly acknowledged: number;
    readonly unacknowledged: number;
  } | null;
  readonly bytesRead: number;
  /** Of the bytes received, in order. */
  readonly sha256: string;
  /** Whether the peer's end was delivered. */
  readonly sawEnd: boolean;
  /** Of a WebSocket. */
  readonly closeCode: number | null;
}

/** A connection of hawser's in another process. */
export class RemoteConnection {
  readonly #program: Program;
  readonly name: number;

  constructor(program: Program, name: number) {
    this.#program = program;
    this.name = name;
  }

  /** Writes that many bytes of a pattern. The time at which `write` was called. */
  async write(bytes: number): Promise<number> {
    return (await this.#ask("write", { bytes })).at as number;
  }

  /** Writes `bytes` now and then every `everyMs`, until the end. */
  async writeEvery(everyMs: number, bytes: number): Promise<void> {
    await this.#ask("writeEvery", { everyMs, bytes });
  }

  /** Sends chunks of the pattern without end, each when the one before has been taken. */
  async produce(bytes: number): Promise<void> {
    await this.#ask("produce", { bytes });
  }

  /** Writes until that many bytes wait in the process: more than the peer and the kernel take. */
  async fill(bytes: number): Promise<number> {
    return (await this.#ask("fill", { bytes })).at as number;
  }

  info(): Promise<Line> {
    return this.#ask("info");
  }

  async pause(): Promise<void> {
    await this.#ask("pause");
  }

  async resume(): Promise<void> {
    await this.#ask("resume");
  }

  async shutdown(): Promise<number> {
    return (await this.#ask("shutdown")).at as number;
  }

  async close(): Promise<void> {
    await this.#ask("close");
  }

  async abort(): Promise<number> {
    return (await this.#ask("abort")).at as number;
  }

  /** What the application has received so far. */
  count(): Promise<Line> {
    return this.#ask("count");
  }

  /** How it ended, once it has. */
  async ended(): Promise<Ended> {
    const line = await this.#program.event(
      ({ event, connection }) => event === "ended" && connection === this.name,
    );
    return line as unknown as Ended;
  }

  /** Whether it has ended, and nobody has asked yet. */
  get hasEnded(): boolean {
    return this.#program.events.some(
      ({ event, connection }) => event === "ended" && connection === this.name,
    );
  }

  #ask(op: string, fields: Readonly<Record<string, unknown>> = {}): Promise<Line> {
    return this.#program.ask(op, { connection: this.name, ...fields });
  }
}

/** A process with hawser in it, whose connections are of one kind. */
export class HawserProcess {
  readonly program: Program;
  readonly #kind: StreamKind;

  constructor(program: Program, kind: StreamKind = "connection") {
    this.program = program;
    this.#kind = kind;
  }

  /** Connects. @throws where `connect` rejects. */
  async connect(endpoint: string, options: object = {}): Promise<RemoteConnection> {
    const { connection } = await this.program.ask("connect", {
      kind: this.#kind,
      endpoint,
      options,
    });
    return new RemoteConnection(this.program, connection as number);
  }

  /** Connects where that must fail: the error, and how long it took. */
  async refused(endpoint: string, options: object = {}): Promise<Line> {
    return this.program.ask("refused", { kind: this.#kind, endpoint, options });
  }

  async listen(endpoint: string, options: object = {}): Promise<void> {
    await this.program.ask("listen", { kind: this.#kind, endpoint, options });
  }

  /** The next connection that the listener accepts. */
  async accepted(): Promise<RemoteConnection> {
    const line = await this.program.event(({ event }) => event === "accepted");
    return new RemoteConnection(this.program, line.connection as number);
  }

  /** Looks and samples of the liveness monitor so far. */
  counters(): Promise<Line> {
    return this.program.ask("counters");
  }

  /**
   * The crowd in the same process (HAWSER_TEST_CROWD) has every byte, and nobody of it was told of
   * anything. Without a crowd, and of a process that the scenario has ended, nothing is asked.
   */
  async expectCrowd(): Promise<void> {
    if (crowdSize === 0 || this.program.hasEnded) return;
    const { wrong } = await this.program.ask("account");
    if (wrong !== null) throw new Error(`beside the scenario, the crowd: ${wrong}`);
  }
}

/** What a scenario gets. */
export interface Hosts {
  readonly network: Network;
  /** Starts a process with hawser on a host. */
  hawser(host: HostName, kind?: StreamKind): Promise<HawserProcess>;
  /** Starts a process with thousands of hawser's connections (crowd.ts). */
  crowd(host: HostName): Promise<Program>;
  /** Starts Python's socket module under control (peers/peer.py). */
  python(host: HostName): Promise<Program>;
  /** Starts hundreds of peers that Python answers for (peers/crowd.py). */
  pythonCrowd(host: HostName): Promise<Program>;
  /** Starts Node's net under control (peers/peer.mjs). */
  node(host: HostName): Promise<Program>;
  /** Starts a client over Node's net or ws (peers/contestant.mjs). */
  contestant(host: HostName): Promise<Program>;
  /** Starts any program on a host. */
  start(host: HostName, command: string, ...args: string[]): Program;
}

/** Hosts, and what ends everything that was started on them. */
export interface OpenHosts {
  readonly hosts: Hosts;
  /** @throws where the crowd beside a connection under test has noticed anything. */
  account(): Promise<unknown>;
  remove(): Promise<void>;
}

/** Makes hosts. The caller removes them. */
export async function openHosts(): Promise<OpenHosts> {
  const network = await Network.create();
  const programs: Program[] = [];
  const ofHawser: HawserProcess[] = [];
  const start = (host: HostName, command: string, ...args: string[]) => {
    const program = new Program("ip", ["netns", "exec", network.namespace(host), command, ...args]);
    programs.push(program);
    return program;
  };
  const controlled = async (host: HostName, command: string, ...args: string[]) => {
    const program = start(host, command, ...args);
    await program.event(({ event }) => event === "started");
    return program;
  };
  const typescript = (host: HostName, file: string) =>
    controlled(
      host,
      "env",
      ...nodeArguments(),
      process.execPath,
      "--import",
      "tsx",
      here("support", file),
    );
  return {
    hosts: {
      network,
      start,
      python: (host) => controlled(host, "python3", "-u", here("peers", "peer.py")),
      pythonCrowd: (host) => controlled(host, "python3", "-u", here("peers", "crowd.py")),
      node: (host) => controlled(host, process.execPath, here("peers", "peer.mjs")),
      hawser: async (host, kind) => {
        const started = new HawserProcess(await typescript(host, "driver.ts"), kind);
        ofHawser.push(started);
        return started;
      },
      contestant: (host) => typescript(host, "../peers/contestant.mjs"),
      crowd: (host) => typescript(host, "crowd.ts"),
    },
    account: () => Promise.all(ofHawser.map((one) => one.expectCrowd())),
    async remove() {
      await Promise.all(programs.map((program) => program.stop()));
      await network.remove();
    },
  };
}

/** Runs `body` with hosts of its own, and ends everything after it. */
export async function withHosts(body: (hosts: Hosts) => Promise<void>): Promise<void> {
  const { hosts, account, remove } = await openHosts();
  try {
    await body(hosts);
    await account();
  } finally {
    await remove();
  }
}

/** Waits without doing anything: for what must not happen. */
export function nothingFor(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
