// How sockets live and end with their process, their worker thread and their copy of the package,
// and what user code may do meanwhile. Worker threads over connections: test/binding.
//
// Times are the processor's, not the clock's, so that a busy machine is not taken for a busy loop.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { afterEach, describe, expect, test } from "vitest";
import { area, slab, submissions } from "../../lib/socket/reactor.ts";
import { boundDatagrams, closeAll, connected, pair, rejection } from "./support.ts";

afterEach(closeAll);

const root = join(import.meta.dirname, "..", "..");
const program = join(import.meta.dirname, "lifecycle-program.mjs");
const binary = process.env["HAWSER_BINARY"] ?? join(root, "build/Release/hawser.node");

async function outputOf(child: ChildProcess): Promise<{ code: number | null; output: string }> {
  let output = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    output += String(chunk);
  });
  child.stderr?.on("data", (chunk: Buffer) => {
    output += String(chunk);
  });
  const [code] = await once(child, "close");
  return { code: code as number | null, output };
}

const run = (name: string) =>
  outputOf(spawn(process.execPath, [program, name], { stdio: ["ignore", "pipe", "pipe"] }));

describe("a process", () => {
  const STAYS = 7;
  test.each([
    ["nothing", 0],
    ["unused", 0],
    ["closed", 0],
    ["listening", STAYS],
    ["listening, unref", 0],
    ["listening, unref and ref", STAYS],
    ["connected", STAYS],
    ["connected, unref", 0],
    ["connected, closed by abort", 0],
    ["datagrams", STAYS],
    ["datagrams, unref", 0],
    ["receiving, unref", 0],
  ])("with sockets: %s; exits where nothing holds it (code %i)", async (name, code) => {
    expect(await run(name)).toEqual({ code, output: "" });
  });

  test("goes on when handlers throw, and others are served (B55)", async () => {
    const { code, output } = await run("exceptions");
    expect(code).toBe(0);
    expect(JSON.parse(output)).toEqual({
      answer: "d",
      received: ["a", "b", "c", "d"],
      thrown: ["handler of a", "handler of b", "handler of c"],
    });
  });

  test("may have two copies of the package, which talk to each other", async () => {
    const folder = mkdtempSync(join(tmpdir(), "hawser-copies-"));
    try {
      for (const copy of ["a", "b"]) copyPackage(join(folder, copy));
      writeFileSync(join(folder, "main.mjs"), TWO_COPIES);
      const child = spawn(process.execPath, [join(folder, "main.mjs")], {
        stdio: ["ignore", "pipe", "pipe"],
        env: { ...process.env, HAWSER_BINARY: undefined },
      });
      expect(await outputOf(child)).toEqual({ code: 0, output: "false round 1 1" });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

function copyPackage(to: string): void {
  mkdirSync(join(to, "build/Release"), { recursive: true });
  cpSync(join(root, "dist"), join(to, "dist"), { recursive: true });
  cpSync(join(root, "package.json"), join(to, "package.json"));
  cpSync(binary, join(to, "build/Release/hawser.node"));
}

const TWO_COPIES = `
  import * as a from "./a/dist/index.js";
  import * as b from "./b/dist/index.js";
  const listener = new a.ListenSocket({ family: "IPv4" });
  listener.bind({ address: "127.0.0.1", port: 0 });
  listener.listen();
  const client = new b.StreamSocket({ family: "IPv4" });
  const accepting = listener.accept();
  await client.connect({ address: "127.0.0.1", port: listener.localAddress.port });
  const server = await accepting;
  await client.send("round");
  await server.send(await server.receive());
  const answer = await client.receive();
  process.stdout.write([
    a.StreamSocket === b.StreamSocket, answer, a.counters().receives, b.counters().receives,
  ].join(" "));
  for (const socket of [client, server, listener]) await socket.close();
`;

test("a worker with every kind of socket in use is terminated without harm", async () => {
  const before = readdirSync("/dev/fd").length;
  for (let round = 0; round < 8; round++) {
    const worker = new Worker(program, { workerData: { program: "busy" } });
    expect((await once(worker, "message"))[0]).toBe("busy");
    for (let turn = 0; turn < round * 7; turn++) await new Promise(setImmediate);
    await worker.terminate();
  }
  expect(readdirSync("/dev/fd").length).toBe(before);
});

describe("under load", () => {
  const WARM_UP_MS = 300;
  const LOAD_MS = 500;
  // A build under a sanitizer is slower by design (vitest.config.ts).
  const slowness = Number(process.env["HAWSER_TEST_SLOWNESS"] ?? 1);

  /** The longest time of this process's own between two firings, milliseconds of processor time. */
  async function longestGap(intervalMs: number, load: () => void): Promise<number> {
    load();
    // What runs for the first time is compiled; that is not what is measured.
    await new Promise((resolve) => setTimeout(resolve, WARM_UP_MS));
    const gaps: number[] = [];
    let last = processorMs();
    const timer = setInterval(() => {
      const now = processorMs();
      gaps.push(now - last);
      last = now;
    }, intervalMs);
    await new Promise((resolve) => setTimeout(resolve, LOAD_MS));
    clearInterval(timer);
    expect(gaps.length).toBeGreaterThan(2);
    return Math.max(...gaps);
  }

  // Of the thread that runs JavaScript: those that collect garbage and compile stand aside.
  function processorMs(): number {
    if (process.platform === "linux") {
      const [runNs = "0"] = readFileSync("/proc/thread-self/schedstat", "utf8").split(" ");
      return Number(runNs) / 1e6;
    }
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000;
  }

  test("a timer of 1 ms fires within 20 ms", async () => {
    const pairs = await Promise.all(Array.from({ length: 10 }, () => connected("IPv4")));
    const size = 20_000;
    const load = () => {
      for (const { client, server } of pairs) {
        void quietly(async () => {
          for await (const bytes of server) await server.send(bytes);
        });
        void quietly(async () => {
          for (;;) {
            await client.send(Buffer.alloc(size));
            await client.receive({ min: size });
          }
        });
      }
    };
    expect(await longestGap(1, load)).toBeLessThan(20 * slowness);
  });

  test("awaited sends without end leave a timer of 10 ms its turn: under 50 ms", async () => {
    const [left, right] = pair();
    const { socket, address } = boundDatagrams();
    const load = () => {
      void quietly(async () => {
        for (;;) await left.send("x");
      });
      void quietly(async () => {
        for await (const _ of right);
      });
      void quietly(async () => {
        for (;;) await socket.send("x", address);
      });
    };
    expect(await longestGap(10, load)).toBeLessThan(50 * slowness);
  });
});

/** Runs until its socket is closed, by a rejection or by the end of an iteration. */
async function quietly(loop: () => Promise<void>): Promise<void> {
  await loop().catch((error) => expect(error.code).toMatch(/^(?:ECANCELED|EPIPE)$/));
}

describe("shared memory", () => {
  const buffer = slab.buffer as ArrayBuffer & {
    transfer?: () => unknown;
    resize?: (size: number) => unknown;
  };

  test("cannot be detached, transferred or resized by user code", async () => {
    const [left, right] = pair();
    await left.send("before");
    expect(area.buffer).toBe(buffer);
    expect(submissions.buffer).toBe(buffer);
    const size = buffer.byteLength;
    const { port1, port2 } = new MessageChannel();
    for (const take of [
      () => structuredClone(buffer, { transfer: [buffer] }),
      () => structuredClone(slab, { transfer: [slab.buffer as ArrayBuffer] }),
      () => port1.postMessage(slab, [slab.buffer as ArrayBuffer]),
      () => buffer.transfer?.(),
      () => buffer.resize?.(0),
    ]) {
      // It throws, or it copies: which one is Node's to choose.
      try {
        take();
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
      }
      expect(buffer.byteLength).toBe(size);
    }
    port1.close();
    port2.close();
    expect(String(await right.receive())).toBe("before");
    await right.send("after");
    expect(String(await left.receive())).toBe("after");
  });

  test("a buffer that is detached before the kernel has it fails its socket alone", async () => {
    const [left, right] = pair();
    const [other, another] = pair();
    const bytes = new Uint8Array(100_000);
    const sending = rejection(left.send(bytes));
    const fine = other.send("fine");
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    expect(await sending).toMatchObject({ code: "EFAULT" });
    await fine;
    expect(String(await another.receive())).toBe("fine");
    await right.close();
  });

  test("a datagram from a detached buffer is an empty one, and no harm", async () => {
    const { socket, address } = boundDatagrams();
    const bytes = new Uint8Array(100);
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    await socket.send(bytes, address);
    expect((await socket.receive())?.data.length).toBe(0);
  });
});
