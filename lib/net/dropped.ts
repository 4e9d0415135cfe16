// Connections that were dropped: nobody has them, nobody waits for anything of theirs, and no
// callback is left that could be called. Their descriptor would stay open for ever, so that a
// finalizer closes them and says where they were made (B21). Not here: how a connection is closed.
//
// What is open is held by the reactor, from its channel to its sink. So now and then those that
// nobody waits for are let go of: their channel gets a sink that holds them weakly. As soon as
// anybody waits again, they are held again.

import { DROP_ORIGINS_COUNT, DROP_SWEEP_MS } from "../core/limits.ts";
import type { StreamSink } from "../socket/stream-sink.ts";
import type { ByteChannel } from "./byte-channel.ts";
import { now } from "./clock.ts";

/** What can be dropped: a connection that was made here, without callbacks. */
export interface Droppable extends StreamSink {
  /** Open, and nobody waits for anything. */
  readonly isUnattended: boolean;
}

interface Place {
  readonly address?: string | undefined;
  readonly port?: number | undefined;
}

interface Watch {
  /** Strong while somebody may wait; let go of by a sweep. */
  held: Droppable | null;
  readonly weak: WeakRef<Droppable>;
  readonly channel: ByteChannel;
  /** What it is, and the stack where it was made. */
  readonly name: string;
  readonly origin: string;
}

/** Some of them are the library's own. */
const ORIGIN_FRAMES = 8;
const NOT_NOTED = "    where is not known: too many are made at once to note it of each";

const origins = new WeakMap<object, string>();
const watches = new Map<ByteChannel, Watch>();
let sweeper: NodeJS.Timeout | undefined;
let originsLeft = DROP_ORIGINS_COUNT;
let originsCountedAt = 0;

const registry = new FinalizationRegistry<Watch>((watch) => {
  if (!watches.delete(watch.channel)) return;
  stopWhenEmpty();
  watch.channel.close();
  warn(watch);
});

/** Notes that a connection is made here, and where, unless many are. */
export function captureOrigin(connection: object): void {
  const time = now();
  originsLeft = Math.min(DROP_ORIGINS_COUNT, originsLeft + (time - originsCountedAt));
  originsCountedAt = time;
  if (originsLeft >= 1) {
    originsLeft--;
    origins.set(connection, callers());
  } else {
    origins.set(connection, NOT_NOTED);
  }
}

// As text: what an Error keeps until it is asked holds the objects whose methods stand in it.
function callers(): string {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = ORIGIN_FRAMES;
  const { stack = "" } = new Error();
  Error.stackTraceLimit = stackTraceLimit;
  return stack.slice(stack.indexOf("\n") + 1);
}

/** Watches a connection that is open now until `forget`. Whether it is one that can be dropped. */
export function watchForDrop(connection: Droppable, channel: ByteChannel, place: Place): boolean {
  const origin = origins.get(connection);
  if (origin === undefined) return false;
  const name = [place.address, place.port].filter((part) => part !== undefined).join(":");
  const weak = new WeakRef(connection);
  const watch: Watch = { held: connection, weak, channel, name, origin };
  watches.set(channel, watch);
  registry.register(connection, watch, watch);
  sweeper ??= setInterval(sweep, DROP_SWEEP_MS).unref();
  return true;
}

/** Somebody is about to wait for something. */
export function hold(connection: Droppable, channel: ByteChannel | null): void {
  const watch = channel === null ? undefined : watches.get(channel);
  if (watch === undefined || watch.held !== null) return;
  watch.held = connection;
  watch.channel.setSink(connection);
}

/** It has ended, or something else takes care of it. */
export function forget(connection: Droppable, channel: ByteChannel | null): void {
  const watch = channel === null ? undefined : watches.get(channel);
  if (watch === undefined) return;
  hold(connection, channel);
  watches.delete(watch.channel);
  registry.unregister(watch);
  stopWhenEmpty();
}

/** Lets go of those that nobody waits for. */
export function sweep(): void {
  for (const watch of watches.values()) {
    if (watch.held === null || !watch.held.isUnattended) continue;
    watch.held = null;
    watch.channel.setSink(new WeakSink(watch.weak));
  }
}

function stopWhenEmpty(): void {
  if (watches.size > 0) return;
  clearInterval(sweeper);
  sweeper = undefined;
}

function warn({ name, origin }: Watch): void {
  process.emitWarning(`the connection to ${name} was dropped without close(), and is closed now`, {
    type: "HawserWarning",
    code: "HAWSER_DROPPED_CONNECTION",
    detail: `made\n${origin}`,
  });
}

/** Hands on to a connection as long as there is one. */
class WeakSink implements StreamSink {
  readonly #weak: WeakRef<Droppable>;

  constructor(weak: WeakRef<Droppable>) {
    this.#weak = weak;
  }

  onConnected(errno: number): void {
    this.#weak.deref()?.onConnected(errno);
  }

  onReceived(slab: Buffer, offset: number, length: number, given: boolean): void {
    this.#weak.deref()?.onReceived(slab, offset, length, given);
  }

  onEnded(): void {
    this.#weak.deref()?.onEnded();
  }

  onFailed(errno: number): void {
    this.#weak.deref()?.onFailed(errno);
  }

  onFailedAfterEnd(errno: number): void {
    this.#weak.deref()?.onFailedAfterEnd?.(errno);
  }

  onFlushed(): void {
    this.#weak.deref()?.onFlushed();
  }

  onSendFailed(errno: number): void {
    this.#weak.deref()?.onSendFailed(errno);
  }

  onTroubled(): void {
    this.#weak.deref()?.onTroubled();
  }

  onReadable(): void {
    this.#weak.deref()?.onReadable();
  }

  onClosed(): void {
    this.#weak.deref()?.onClosed();
  }
}
