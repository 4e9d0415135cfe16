// A process that follows the networks of its host, and tells of each change: as the watch hears it,
// and as a PathMonitor tells it. Commands and answers are lines of JSON. Run by
// paths-monitor.test.ts. Not here: what is expected.

import { createInterface } from "node:readline";
import { PathMonitor } from "../../../lib/index.ts";
import type { NetworkInterface, PathChange, PathSnapshot } from "../../../lib/net/paths/types.ts";
import { changesDescriptor, type PathWatch, watchPaths } from "../../../lib/net/paths/watch.ts";
import { listInterfaces } from "../../../lib/socket/interfaces.ts";
import { setOption } from "../../../lib/socket/options.ts";
import { decodeDefaultRoutes, readDefaultRoutes } from "../../../lib/socket/routes.ts";
import { sharedNow } from "./program.ts";

interface Command {
  readonly id: number;
  readonly op: string;
  readonly debounce: number;
  readonly bytes: number;
  readonly ms: number;
  readonly address: string;
  readonly question: { readonly interface?: number; readonly localAddress?: string };
}

let monitor: PathMonitor;
let watch: PathWatch;
/** What the changes that were told make of the first snapshot. */
const folded = new Map<number, NetworkInterface>();
let isFaithful = true;

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function withoutSnapshot({ snapshot: _, ...change }: PathChange): object {
  return change;
}

function fold({ added, removed, changed }: PathChange): void {
  for (const { index } of removed) isFaithful &&= folded.delete(index);
  for (const { before, after } of changed) {
    isFaithful &&= JSON.stringify(folded.get(before.index)) === JSON.stringify(before);
    folded.set(after.index, after);
  }
  for (const one of added) {
    isFaithful &&= !folded.has(one.index);
    folded.set(one.index, one);
  }
}

function start({ debounce }: Command): object {
  watch = watchPaths({
    changed: (change) => say({ event: "heard", at: sharedNow(), ...withoutSnapshot(change) }),
  });
  monitor = new PathMonitor({
    debounce,
    change(_, change) {
      fold(change);
      say({ event: "told", at: sharedNow(), ...withoutSnapshot(change) });
    },
  });
  for (const one of monitor.interfaces()) folded.set(one.index, one);
  return {};
}

function plain({ interfaces, defaultRoutes, dnsServers }: PathSnapshot): object {
  return { interfaces, defaultRoutes, dnsServers };
}

// With nothing in between, the fresh list is of the same moment.
function view(): object {
  const told = [...folded.values()].sort((one, other) => one.index - other.index);
  return {
    snapshot: plain(monitor.snapshot),
    fresh: {
      interfaces: listInterfaces(),
      defaultRoutes: decodeDefaultRoutes(readDefaultRoutes()),
    },
    told,
    isFaithful,
  };
}

// The smallest that the kernel gives; the events beyond it are lost.
function shrink({ bytes }: Command): object {
  setOption({ fd: changesDescriptor() }, "SO_RCVBUF", bytes);
  return {};
}

/** Nothing is heard meanwhile: the thread stands. */
function block({ ms }: Command): object {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  return {};
}

function path({ address, question }: Command): object {
  const { interface: used, ...rest } = watch.pathTo(address, question);
  return { ...rest, interface: used?.name ?? null };
}

const OPERATIONS: Readonly<Record<string, (command: Command) => object>> = {
  start,
  view,
  shrink,
  block,
  path,
};

createInterface({ input: process.stdin }).on("line", (text) => {
  const command = JSON.parse(text) as Command;
  try {
    const answer = OPERATIONS[command.op]?.(command);
    if (answer === undefined) throw new Error("no such operation");
    say({ id: command.id, ...answer });
  } catch (error) {
    say({ id: command.id, error: (error as Error).stack });
  }
});
say({ event: "started" });
