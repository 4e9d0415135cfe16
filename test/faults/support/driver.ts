// The process with hawser in it, on a host of a scenario: takes commands as lines of JSON, answers
// each, and tells events. Run by hosts.ts. Not here: what a scenario expects.

import { createHash, type Hash } from "node:crypto";
import { readdirSync } from "node:fs";
import type { HawserError } from "../../../lib/index.ts";
import { livenessMonitor } from "../../../lib/net/liveness-monitor.ts";
import type { ConnectOptions } from "../../../lib/net/types.ts";
import { answerCommands, type NamedCommand, say } from "./commands.ts";
import { CrowdBeside } from "./crowd-beside.ts";
import { patternOf } from "./pattern.ts";
import { crowdSize, sharedNow } from "./program.ts";
import {
  connectStream,
  type DrivenListener,
  type DrivenStream,
  listenForStreams,
  type StreamEnding,
  type StreamEvents,
  type StreamKind,
} from "./streams.ts";

interface Command extends NamedCommand {
  readonly connection: number;
  readonly kind: StreamKind;
  readonly endpoint: string;
  readonly options: ConnectOptions;
  readonly bytes: number;
  readonly everyMs: number;
}

interface Held {
  readonly stream: DrivenStream;
  readonly name: number;
  readonly hash: Hash;
  bytesRead: number;
  sawEnd: boolean;
  timer?: NodeJS.Timeout;
}

const held = new Map<number, Held>();
let listener: DrivenListener | undefined;
const names = new WeakMap<DrivenStream, Held>();
const crowd = crowdSize > 0 ? await CrowdBeside.start(crowdSize) : undefined;

const events: StreamEvents = {
  opened(stream) {
    const name = held.size + 1;
    const one = { stream, name, hash: createHash("sha256"), bytesRead: 0, sawEnd: false };
    names.set(stream, one);
    held.set(name, one);
  },
  data(stream, bytes) {
    const one = names.get(stream) as Held;
    one.bytesRead += bytes.length;
    one.hash.update(bytes);
  },
  end(stream) {
    (names.get(stream) as Held).sawEnd = true;
  },
  ended: (stream, ending) => tellEnded(names.get(stream) as Held, ending),
};

/** Those of a listener are told of as they come. */
const acceptedEvents: StreamEvents = {
  ...events,
  opened(stream) {
    events.opened(stream);
    say({ event: "accepted", connection: nameOf(stream) });
  },
};

const nameOf = (stream: DrivenStream) => (names.get(stream) as Held).name;

function tellEnded(one: Held, { error, initiator, closeCode }: StreamEnding): void {
  clearInterval(one.timer);
  say({
    event: "ended",
    connection: one.name,
    at: sharedNow(),
    code: error?.code ?? null,
    reason: error?.reason ?? null,
    phase: error?.phase ?? null,
    message: error?.message ?? null,
    bytes: error?.bytes ?? null,
    initiator,
    closeCode,
    state: one.stream.state,
    bytesRead: one.bytesRead,
    sha256: one.hash.digest("hex"),
    sawEnd: one.sawEnd,
  });
}

function oneOf({ connection }: Command): Held {
  const one = held.get(connection);
  if (one === undefined) throw new Error(`no connection ${connection}`);
  return one;
}

function write({ stream }: Held, bytes: number): void {
  stream.write(patternOf(stream.bytesWritten, bytes));
}

const operations: Record<string, (command: Command) => unknown> = {
  async connect({ kind, endpoint, options }) {
    return { connection: nameOf(await connectStream(kind, endpoint, options, events)) };
  },

  async refused({ kind, endpoint, options }) {
    const before = sharedNow();
    try {
      await connectStream(kind, endpoint, options, events);
    } catch (thrown) {
      const { code, reason = null, phase = null } = thrown as HawserError;
      return { code, reason, phase, tookMs: sharedNow() - before };
    }
    throw new Error("connected");
  },

  async listen({ kind, endpoint, options }) {
    listener = await listenForStreams(kind, endpoint, options, acceptedEvents);
  },

  /** Takes in as many as like to come. */
  admit() {
    if (listener !== undefined) listener.newConnectionLimit = Number.POSITIVE_INFINITY;
  },

  /** Closes the listener, and answers at once. */
  stopListening: ({ options }) => void listener?.close(options),

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

  produce(command) {
    const one = oneOf(command);
    const next = async () => {
      for (;;) await one.stream.send(patternOf(one.stream.bytesWritten, command.bytes));
    };
    // It ends with the stream.
    next().catch(() => {});
  },

  async fill(command) {
    const one = oneOf(command);
    do {
      write(one, 65_536);
      await new Promise((resolve) => setTimeout(resolve, 5));
    } while (one.stream.bufferedAmount < command.bytes);
    return { at: sharedNow() };
  },

  info(command) {
    const { connection, state, bytesWritten, bufferedAmount } = oneOf(command).stream;
    return { connectionState: state, bytesWritten, bufferedAmount, ...connection.info() };
  },

  pause: (command) => oneOf(command).stream.pause(),
  resume: (command) => oneOf(command).stream.resume(),
  shutdown(command) {
    const at = sharedNow();
    oneOf(command).stream.shutdown();
    return { at };
  },
  close: (command) => oneOf(command).stream.close(),
  abort(command) {
    const at = sharedNow();
    oneOf(command).stream.abort();
    return { at };
  },
  /** What it has heard, and what this process holds. */
  count(command) {
    const { bytesRead, sawEnd, stream } = oneOf(command);
    return { bytesRead, sawEnd, bufferedAmount: stream.bufferedAmount };
  },
  process: () => ({
    descriptors: readdirSync("/proc/self/fd").length,
    residentBytes: process.memoryUsage.rss(),
  }),
  counters: () => ({ ...livenessMonitor.counters, watched: livenessMonitor.size }),
  /** What the crowd in this process has noticed. */
  account: async () => ({ wrong: (await crowd?.account()) ?? null }),
};

answerCommands(operations);
