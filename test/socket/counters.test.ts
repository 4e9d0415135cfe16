// What sockets cost in system calls and in calls into JavaScript: by the counters, by a spy on the
// function that delivers completions, and from outside by strace(1), where there is one.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { native } from "../../lib/binding/native.ts";
import type { Counters } from "../../lib/binding/records.ts";
import type { StreamSocket } from "../../lib/socket/stream-socket.ts";

// The reactor is opened when its module is loaded, so the spy must be there before.
let dispatched: number[] = [];
let counters: () => Counters;
let pair: () => [StreamSocket, StreamSocket];
let closeAll: () => Promise<void>;

beforeAll(async () => {
  const { open } = native;
  (native as { open: typeof open }).open = (memory, dispatch, settle, views, blocks) =>
    open(
      memory,
      (completions) => {
        dispatched.push(completions);
        dispatch(completions);
      },
      settle,
      views,
      blocks,
    );
  ({ counters } = await import("../../lib/socket/reactor.ts"));
  ({ pair, closeAll } = await import("./support.ts"));
  (native as { open: typeof open }).open = open;
});

afterEach(() => closeAll());

function since(before: Counters): Counters {
  const after = counters();
  const names = Object.keys(before) as (keyof Counters)[];
  return Object.fromEntries(names.map((name) => [name, after[name] - before[name]])) as never;
}

test("a hundred sockets ready in one turn cost one call into JavaScript (B25)", async () => {
  const pairs = Array.from({ length: 100 }, () => pair());
  const receiving = pairs.map(([, right]) => right.receive());
  // All are readable before the loop turns: on a Unix socket a send is an arrival.
  const sent = pairs.map(([left], index) => left.send(`message ${index}`));
  await Promise.all(sent);
  const before = counters();
  dispatched = [];
  const received = await Promise.all(receiving);
  const cost = since(before);
  expect(received.map(String)).toEqual(pairs.map((_, index) => `message ${index}`));
  expect(dispatched).toEqual([100]);
  expect(cost).toMatchObject({
    turns: 1,
    dispatches: 1,
    waits: 1,
    completions: 100,
    receives: 100,
  });
});

test("a hundred sockets that answer in one turn leave in one flush, one call each", async () => {
  const pairs = Array.from({ length: 100 }, () => pair());
  await Promise.all(pairs.map(([left]) => left.send("x")));
  const before = counters();
  await Promise.all(
    pairs.map(async ([, right]) => {
      await right.receive();
      await right.send("y");
    }),
  );
  expect(since(before)).toMatchObject({ flushes: 1, sends: 100, bytesSent: 100 });
});

test("fifty writes to one socket in one turn cost one system call (B25)", async () => {
  const [left, right] = pair();
  const before = counters();
  await Promise.all(Array.from({ length: 50 }, (_, index) => left.send(`${index},`)));
  expect(since(before)).toMatchObject({ flushes: 1, sends: 1 });
  const text = Array.from({ length: 50 }, (_, index) => `${index},`).join("");
  expect(String(await right.receive())).toBe(text);
});

test("fifty large writes are one gather write, too", async () => {
  const [left, right] = pair();
  left.setOption("SO_SNDBUF", 1_000_000);
  const before = counters();
  const chunk = Buffer.alloc(5_000, 1);
  await Promise.all(Array.from({ length: 20 }, () => left.send(chunk)));
  expect(since(before)).toMatchObject({ flushes: 1, sends: 1, bytesSent: 100_000 });
  expect((await right.receive({ min: 100_000 }))?.length).toBe(100_000);
});

test("a socket that nobody reads costs one change of the poller, and then nothing", async () => {
  const [left, right] = pair();
  await left.send("first");
  await right.receive();
  await left.send("unread");
  // The first event on a paused socket removes its read interest.
  await turns();
  const before = counters();
  dispatched = [];
  for (let index = 0; index < 10; index++) {
    await left.send("unread");
    await turns();
  }
  expect(since(before)).toMatchObject({ receives: 0, events: 0, pollerChanges: 0, completions: 0 });
  expect(dispatched).toEqual([]);
  expect(right.fd).toBeGreaterThan(0);
});

test("counters only grow, but for the open sockets", async () => {
  const before = counters();
  const [left, right] = pair();
  expect(since(before).openSlots).toBe(2);
  await left.send("x");
  await right.receive();
  await Promise.all([left.close(), right.close()]);
  const cost = since(before);
  expect(cost.openSlots).toBe(0);
  for (const [name, value] of Object.entries(cost)) {
    expect(value, name).toBeGreaterThanOrEqual(0);
  }
  expect(cost).toMatchObject({ bytesSent: 1, bytesReceived: 1 });
});

const hasStrace = spawnSync("strace", ["-V"]).status === 0;

describe.runIf(hasStrace)("seen from outside, by strace", () => {
  const program = join(import.meta.dirname, "lifecycle-program.mjs");

  /** The lines of a trace of one thread's system calls, and what the program said. */
  function trace(name: string, calls: string): { lines: string[]; output: string } {
    const folder = mkdtempSync(join(tmpdir(), "hawser-trace-"));
    const file = join(folder, "trace");
    try {
      const args = ["-o", file, "-e", `trace=${calls}`, process.execPath, program, name];
      // LeakSanitizer cannot work in a process that is traced.
      const sanitizer = `${process.env["ASAN_OPTIONS"] ?? ""}:detect_leaks=0`;
      const env = { ...process.env, ASAN_OPTIONS: sanitizer };
      const result = spawnSync("strace", args, { encoding: "utf8", env });
      expect(result.stderr).toBe("");
      return { lines: readFileSync(file, "utf8").split("\n"), output: result.stdout };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  test("fifty writes to one socket are one sendmsg", () => {
    const { lines } = trace("fifty", "sendmsg,write,writev,sendto");
    const sends = lines.filter((line) =>
      /^(?:sendmsg|write|writev|sendto)\(.*"0,1,2,3,/.test(line),
    );
    expect(sends.length).toBe(1);
    expect(sends[0]).toMatch(/^sendmsg\(/);
  });

  test("sockets that nobody reads cost no system call", () => {
    const calls = "sendmsg,recvfrom,recvmsg,read,epoll_ctl,clone,clone3,vfork";
    const { lines, output } = trace("idle", calls);
    expect(JSON.parse(output)).toEqual({
      receives: 0,
      sends: 0,
      waits: 0,
      pollerChanges: 0,
      dispatches: 0,
    });
    // Between the two children that mark the time.
    const marks = lines.flatMap((line, index) =>
      /^(?:clone3?|vfork)\(/.test(line) ? [index] : [],
    );
    const [from = 0, to = 0] = marks.slice(-2);
    expect(to).toBeGreaterThan(from);
    const ours = lines
      .slice(from, to)
      .filter((line) => /^(?:sendmsg|recvfrom|recvmsg)\(/.test(line));
    expect(ours).toEqual([]);
  });
});

async function turns(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}
