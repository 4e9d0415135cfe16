// The process of a path scenario: connections that wait and follow their path, driven by lines of
// JSON, with everything that they are told as events. What comes back from an echo is compared with
// what went out, byte by byte. Run by path-client.ts. Not here: what a scenario expects.

import { Connection, counters } from "../../../lib/index.ts";
import type { Path } from "../../../lib/net/paths/types.ts";
import type { ConnectOptions, StreamEndpoint } from "../../../lib/net/types.ts";
import { answerCommands, type NamedCommand, say } from "./commands.ts";
import { patternOf } from "./pattern.ts";
import { sharedNow } from "./program.ts";

interface Command extends NamedCommand {
  readonly connection: number;
  readonly endpoint: StreamEndpoint;
  readonly options: ConnectOptions;
  readonly bytes: number;
}

interface Held {
  readonly connection: Connection;
  isSame: boolean;
  whenEchoed: (() => void) | undefined;
}

const held: Held[] = [];

function wayOf(path: Path | null): object | null {
  if (path === null) return null;
  const { status, sourceAddress, gateway } = path;
  return { status, interface: path.interface?.name ?? null, sourceAddress, gateway };
}

function make({ endpoint, options }: Command): object {
  const name = held.length;
  const tell = (event: string, rest: object) =>
    say({ event, connection: name, at: sharedNow(), ...rest });
  const callbacks: ConnectOptions = {
    state: (_c, state, reason) =>
      tell("state", { state, code: reason?.code ?? null, reason: reason?.reason ?? null }),
    data(connection, bytes) {
      const one = held[name] as Held;
      const from = connection.bytesRead - bytes.length;
      if (!bytes.equals(patternOf(from, bytes.length))) one.isSame = false;
      if (connection.bytesRead === connection.bytesWritten) one.whenEchoed?.();
    },
  };
  const wanted: Record<string, unknown> = { ...options };
  // Named by the scenario, since a callback is a wish in itself.
  if (wanted["viable"] === true) {
    wanted["viable"] = (_c: Connection, viable: boolean) => tell("viable", { viable });
  }
  if (wanted["betterPath"] === true) {
    wanted["betterPath"] = (_c: Connection, path: Path | null) =>
      tell("betterPath", { path: wayOf(path) });
  }
  const connection = new Connection(endpoint, { ...wanted, ...callbacks });
  held.push({ connection, isSame: true, whenEchoed: undefined });
  void connection.closed.then(({ error, initiator }) => {
    const { code = null, reason = null, phase = null } = error ?? {};
    tell("ended", { code, reason, phase, initiator });
  });
  connection.start();
  return { connection: name };
}

const operations: Record<string, (command: Command) => unknown> = {
  make,
  /** Writes, and waits until all of it is back. */
  async echo({ connection: name, bytes }) {
    const one = held[name] as Held;
    const { connection } = one;
    const echoed = new Promise<void>((resolve) => {
      one.whenEchoed = resolve;
    });
    connection.write(patternOf(connection.bytesWritten, bytes));
    await echoed;
    return { isSame: one.isSame, bytesRead: connection.bytesRead };
  },
  info({ connection: name }) {
    const { connection } = held[name] as Held;
    const { state, viable, localAddress, establishmentReport: report } = connection;
    return {
      state,
      viable,
      localAddress,
      path: wayOf(connection.path),
      betterPath: wayOf(connection.betterPath),
      waits: report?.waits ?? null,
      phases: report?.phases.map(({ phase }) => phase) ?? null,
    };
  },
  restart: ({ connection }) => held[connection]?.connection.restart(),
  abort: ({ connection }) => held[connection]?.connection.abort(),
  counters: () => ({ openSlots: counters().openSlots }),
};

answerCommands(operations);
