// A scenario's hold on a process whose connections wait and follow their path (path-driver.ts), and
// the changes of the client's networks that scenarios share.

import { join } from "node:path";
import { nodeArguments } from "../../support/environment.ts";
import type { Hosts } from "./hosts.ts";
import { type Line, type Program, sharedNow } from "./program.ts";

const DRIVER = join(import.meta.dirname, "path-driver.ts");

/** One connection of the client's. */
export class PathConnection {
  readonly #program: Program;
  readonly #name: number;

  constructor(program: Program, name: number) {
    this.#program = program;
    this.#name = name;
  }

  /** The next event of a kind, and no other before it of the same kind. */
  next(event: string): Promise<Line> {
    return this.#program.event((line) => line.connection === this.#name && line.event === event);
  }

  /** Waits until a state is told; those before it are taken out. */
  async until(state: string): Promise<Line> {
    for (;;) {
      const line = await this.next("state");
      if (line.state === state) return line;
    }
  }

  /** What nobody has taken yet of a kind. */
  untaken(event: string): readonly Line[] {
    return this.#program.events.filter(
      (line) => line.connection === this.#name && line.event === event,
    );
  }

  ask(op: string, fields: Readonly<Record<string, unknown>> = {}): Promise<Line> {
    return this.#program.ask(op, { connection: this.#name, ...fields });
  }

  info(): Promise<Line> {
    return this.ask("info");
  }

  /** Sends so many bytes to an echo; whether all came back as they were. */
  async echoes(bytes: number): Promise<boolean> {
    return (await this.ask("echo", { bytes })).isSame === true;
  }
}

/** A process on the client. */
export class PathClient {
  readonly program: Program;

  constructor(program: Program) {
    this.program = program;
  }

  static async start(hosts: Hosts): Promise<PathClient> {
    const node = [...nodeArguments(), process.execPath, "--import", "tsx", DRIVER];
    const program = hosts.start("client", "env", ...node);
    await program.event(({ event }) => event === "started");
    return new PathClient(program);
  }

  /** Makes and starts a connection. */
  async make(endpoint: string, options: object = {}): Promise<PathConnection> {
    const { connection } = await this.program.ask("make", { endpoint, options });
    return new PathConnection(this.program, connection as number);
  }
}

/** Runs a script on the client. When it was done, on the clock that all processes share. */
export async function change(hosts: Hosts, script: string): Promise<number> {
  await hosts.network.run("client", script);
  return sharedNow();
}

/** A second link between client and router, with addresses and no default route. */
export async function addSecondLink(hosts: Hosts): Promise<void> {
  const client = hosts.network.namespace("client");
  await hosts.network.run(
    "router",
    `ip link add toclient2 type veth peer name eth1 netns ${client}
     ip address add 10.72.1.1/24 dev toclient2; ip link set toclient2 up`,
  );
  await hosts.network.run("client", "ip address add 10.72.1.2/24 dev eth1; ip link set eth1 up");
}
