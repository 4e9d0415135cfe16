// The process with hawser in it, on a host of a scenario: takes commands as lines of JSON, answers
// each, and tells events. Run by hosts.ts. Not here: what a scenario expects.

import { createHash, type Hash } from "node:crypto";
import { createInterface } from "node:readline";
import { type Connection, connect, type HawserError, listen } from "../../../lib/index.ts";
import { livenessMonitor } from "../../../lib/net/liveness-monitor.ts";
import type { CloseResult, ConnectOptions, StreamEndpoint } from "../../../lib/net/types.ts";
import { patternOf } from "./pattern.ts";
import { sharedNow } from "./program.ts";

interface Command {
  readonly id: number;
  readonly op: string;
  readonly connection: number;
  readonly endpoint: StreamEndpoint;
  readonly options: ConnectOptions;
  readonly bytes: number;
  readonly everyMs: number;
}

interface Held {
  readonly connection: Connection;
  readonly hash: Hash;
  sawEnd: boolean;
  timer?: NodeJS.Timeout;
}

const held = new Map<number, Held>();
let nextName = 1;

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const handlers = {
  data(connection: Connection, bytes: Buffer): void {
    ofConnection(connection)?.hash.update(bytes);
  },
  end(connection: Connection): void {
    const one = ofConnection(connection);
    if (one !== undefined) one.sawEnd = true;
  },
};

// The callbacks get the connection; its name stands in its own data.
function ofConnection(connection: Connection): Held | undefined {
  return held.get(hold(connection));
}

function hold(connection: Connection): number {
  if (typeof connection.data === "number") return connection.data;
  const name = nextName++;
  connection.data = name;
  held.set(name, { connection, hash: createHash("sha256"), sawEnd: false });
  void connection.closed.then((result) => tellEnded(name, result));
  return name;
}

function tellEnded(name: number, { error, initiator }: CloseResult): void {
  const one = held.get(name) as Held;
  clearInterval(one.timer);
  const { connection } = one;
  say({
    event: "ended",
    connection: name,
    at: sharedNow(),
    code: error?.code ?? null,
    reason: error?.reason ?? null,
    phase: error?.phase ?? null,
    message: error?.message ?? null,
    bytes: error?.bytes ?? null,
    initiator,
    state: connection.state,
    bytesRead: connection.bytesRead,
    sha256: one.hash.digest("hex"),
    sawEnd: one.sawEnd,
  });
}

function oneOf({ connection }: Command): Held {
  const one = held.get(connection);
  if (one === undefined) throw new Error(`no connection ${connection}`);
  return one;
}

function write({ connection }: Held, bytes: number): boolean {
  return connection.write(patternOf(connection.bytesWritten, bytes));
}

const operations: Record<string, (command: Command) => unknown> = {
  async connect({ endpoint, options }) {
    const connection = (await connect(endpoint, { ...handlers, ...options })) as Connection;
    return { connection: hold(connection) };
  },

  async refused({ endpoint, options }) {
    const before = sharedNow();
    try {
      await connect(endpoint, { ...handlers, ...options });
    } catch (thrown) {
      const { code, reason = null, phase = null } = thrown as HawserError;
      return { code, reason, phase, tookMs: sharedNow() - before };
    }
    throw new Error("connected");
  },

  async listen({ endpoint, options }) {
    const open = (connection: Connection) => {
      say({ event: "accepted", connection: hold(connection) });
    };
    await listen(endpoint, { ...handlers, ...options, open });
  },

  write(command) {
    const at = sharedNow();
    write(oneOf(command), command.bytes);
    return { at };
  },

  writeEvery(command) {
    const one = oneOf(command);
    write(one, command.bytes);
    one.timer = setInterval(() => write(one, command.bytes), command.everyMs);
  },

  async fill(command) {
    const one = oneOf(command);
    const { connection } = one;
    do {
      write(one, 65_536);
      await new Promise((resolve) => setTimeout(resolve, 5));
    } while (connection.bufferedAmount < command.bytes);
    return { at: sharedNow() };
  },

  info(command) {
    const { connection } = oneOf(command);
    const { state, bytesWritten, bufferedAmount } = connection;
    return { connectionState: state, bytesWritten, bufferedAmount, ...connection.info() };
  },

  pause: (command) => void oneOf(command).connection.pause(),
  resume: (command) => void oneOf(command).connection.resume(),
  shutdown(command) {
    const at = sharedNow();
    void oneOf(command).connection.shutdown();
    return { at };
  },
  close: (command) => void oneOf(command).connection.close(),
  counters: () => ({ ...livenessMonitor.counters, watched: livenessMonitor.size }),
};

const commands = createInterface({ input: process.stdin });
// Whoever has started this is gone.
commands.on("close", () => process.exit());
commands.on("line", async (text) => {
  const command = JSON.parse(text) as Command;
  try {
    const operation = operations[command.op];
    if (operation === undefined) throw new Error(`no operation ${command.op}`);
    say({ id: command.id, ...((await operation(command)) as object | undefined) });
  } catch (thrown) {
    say({ id: command.id, error: String(thrown) });
  }
});

say({ event: "started" });
