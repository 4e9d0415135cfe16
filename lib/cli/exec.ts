// `hawser listen --exec`: a command for each connection, which is its standard input and output.
// Not here: taking connections (listen.ts).

import { type ChildProcess, type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import type { Connection } from "../net/connection.ts";

type Command = ChildProcessByStdio<Writable, Readable, null>;

/** Runs one command, by the shell, for any number of connections. */
export class Commands {
  readonly #command: string;
  readonly #running = new Set<Command>();

  constructor(command: string) {
    this.#command = command;
  }

  /**
   * Resolves when the command has ended and its output is sent. Rejects with what it cannot be
   * started for (the process table or that of descriptors is full), or with the connection's own
   * failure.
   */
  async run(connection: Connection): Promise<void> {
    const child = spawn(this.#command, {
      shell: true,
      stdio: ["pipe", "pipe", "inherit"],
      env: {
        ...process.env,
        HAWSER_REMOTE_ADDRESS: connection.remoteAddress ?? "",
        HAWSER_REMOTE_PORT: String(connection.remotePort ?? ""),
      },
    });
    const exited = once(child, "exit");
    exited.catch(() => {});
    // One that did not start has no pipes either (EMFILE), and says why in an event.
    if (!hasStarted(child)) {
      await exited;
      return;
    }
    this.#running.add(child);
    void exited.finally(() => this.#running.delete(child)).catch(() => {});
    await join(connection, child);
    await exited;
  }

  /** Ends those that still run. */
  stop(): void {
    for (const child of this.#running) {
      child.stdout.destroy();
      child.kill("SIGTERM");
      child.unref();
    }
  }
}

function hasStarted(child: ChildProcess): child is Command {
  return child.pid !== undefined && child.stdin !== null && child.stdout !== null;
}

async function join(connection: Connection, child: Command): Promise<void> {
  // A command that does not read its input is not an error.
  child.stdin.on("error", () => {});
  void feed(connection, child.stdin);
  // Nobody is left who could take the rest: the command hears of it when it writes (SIGPIPE).
  void connection.closed.then(() => child.stdout.destroy());
  try {
    for await (const chunk of child.stdout) await connection.send(chunk as Buffer);
  } catch (error) {
    if (connection.state === "ready") throw error;
  }
}

async function feed(connection: Connection, input: Writable): Promise<void> {
  try {
    for await (const chunk of connection) {
      if (!input.write(chunk)) await once(input, "drain");
    }
    input.end();
  } catch {
    // The connection has failed, or the command ended first; either way it gets no more.
    input.destroy();
  }
}
