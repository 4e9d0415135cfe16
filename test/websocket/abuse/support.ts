// What the attacks share: who is attacked and who looks on, each in a process of its own; raw
// connections that send what they like; the code that ends them. No tests here.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import process from "node:process";
import { afterAll, expect, vi } from "vitest";
import { encodeFrame, type FrameSpec, FrameReader } from "../../conformance/frames.ts";
import { Raw, request } from "../support.ts";

export const slowness = Number(process.env["HAWSER_TEST_SLOWNESS"] ?? 1);
export const timeLimitMs = 60_000 * slowness;

export const MIB = 1_048_576;

/** What a process of this folder answers. */
type Answer = Readonly<Record<string, unknown>>;

class Process {
  readonly #child: ChildProcess;

  constructor(file: string, args: readonly string[], flags: readonly string[]) {
    this.#child = fork(join(import.meta.dirname, file), [...args], { execArgv: [...flags] });
  }

  async ask(op: string): Promise<Answer> {
    const ended = new AbortController();
    const { signal } = ended;
    const exit = once(this.#child, "exit", { signal }).then(([code, by]) => {
      throw new Error(`the process ended with ${code ?? by}`);
    });
    const answer = once(this.#child, "message", { signal });
    this.#child.send({ op });
    try {
      return ((await Promise.race([answer, exit])) as [Answer])[0];
    } finally {
      ended.abort();
      await Promise.allSettled([answer, exit]);
    }
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await gone;
  }
}

type Memory = Pick<Report, "bytes" | "resident">;

export interface Report {
  /** Heap and external memory after collections, and at most in between. */
  readonly bytes: number;
  readonly peak: number;
  /** Resident memory, the addon's own included. */
  readonly resident: number;
  /** The longest time that the loop did not turn, in processor time of the whole process. */
  readonly heldMs: number;
  readonly opened: number;
  readonly open: number;
  /** Bytes that came on one connection, at most. */
  readonly mostRead: number;
  readonly accepted: number;
  readonly failed: number;
  /** Close codes and errors, and how often each was told. */
  readonly told: Readonly<Record<string, number>>;
}

/** By what they do and their options: each serves all tests of a file that want the same. */
const victims = new Map<string, Promise<Victim>>();
const processes: Process[] = [];

afterAll(async () => {
  victims.clear();
  await Promise.all(processes.splice(0).map((one) => one.end()));
});

function begin(file: string, args: readonly string[], flags: readonly string[]): Process {
  const one = new Process(file, args, flags);
  processes.push(one);
  return one;
}

/** A server under attack, and a client that it must go on to serve. */
export class Victim {
  readonly #process: Process;
  #witness: Process | null = null;
  #before: Memory = { bytes: 0, resident: 0 };
  port = 0;

  private constructor(child: Process) {
    this.#process = child;
  }

  /** "server" echoes in a callback, "await" in a loop that waits for each message to be sent. */
  static async serve(options: object = {}, style: "server" | "await" = "server"): Promise<Victim> {
    const key = JSON.stringify([style, options]);
    const known = victims.get(key) ?? Victim.#begin(options, style);
    victims.set(key, known);
    const victim = await known;
    // Those of the test before are on their way out.
    await vi.waitFor(async () => expect((await victim.report()).open).toBe(1), timeLimitMs);
    await victim.#witness?.ask("times");
    victim.#before = (await victim.#process.ask("mark")) as unknown as Memory;
    return victim;
  }

  static async #begin(options: object, style: "server" | "await"): Promise<Victim> {
    const victim = new Victim(victimProcess(style, options));
    victim.port = (await victim.#process.ask("port"))["port"] as number;
    victim.#witness = begin("witness.mjs", [String(victim.port)], []);
    await victim.#witness.ask("times");
    return victim;
  }

  report(): Promise<Report> {
    return this.#process.ask("report") as unknown as Promise<Report>;
  }

  /**
   * It is unharmed: the witness was served all the time, and what is kept now has grown by no more
   * than `bytes`, and by no more than `peak` in between.
   */
  async isUnharmed(bounds: {
    readonly bytes: number;
    readonly peak?: number;
    readonly resident?: number;
  }): Promise<Report> {
    const times = (await this.#witness?.ask("times")) as unknown as Times;
    const report = await this.report();
    expect(times.count, "round trips of the witness").toBeGreaterThan(0);
    expect(times.median, "the witness's median, ms").toBeLessThan(300 * slowness);
    expect(times.max, "the witness's longest, ms").toBeLessThan(1_500 * slowness);
    const { bytes, resident } = this.#before;
    expect(report.bytes - bytes, "bytes kept").toBeLessThan(bounds.bytes);
    if (bounds.peak !== undefined) {
      expect(report.peak - bytes, "bytes at most").toBeLessThan(bounds.peak);
    }
    // A sanitizer keeps what was freed.
    if (bounds.resident !== undefined && !process.env["LD_PRELOAD"]) {
      expect(report.resident - resident, "resident bytes").toBeLessThan(bounds.resident);
    }
    return report;
  }
}

interface Times {
  readonly count: number;
  readonly median: number;
  readonly max: number;
}

function victimProcess(style: string, options: object, port = 0): Process {
  const flags = ["--import", "tsx", "--expose-gc"];
  return begin("server.ts", [style, JSON.stringify(options), String(port)], flags);
}

/** A client under attack, by the server on `port`. */
export async function victimClient(
  port: number,
  options: object = {},
): Promise<{ connect(): Promise<Answer>; mark(): Promise<Answer>; report(): Promise<Report> }> {
  const child = victimProcess("client", options, port);
  await child.ask("mark");
  return {
    connect: () => child.ask("connect"),
    mark: () => child.ask("mark"),
    report: () => child.ask("report") as unknown as Promise<Report>,
  };
}

/** A connection after its upgrade; `more` are lines of the request. */
export async function upgraded(port: number, ...more: string[]): Promise<Raw> {
  const raw = new Raw(port);
  raw.write(request(...more));
  const head = await raw.head();
  expect(head).toMatch(/^HTTP\/1\.1 101 /);
  return raw;
}

/** Writes, and waits until the kernel has taken it or nobody is there any more. */
export function written({ socket }: Raw, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    if (socket.write(bytes) || socket.destroyed) {
      resolve();
      return;
    }
    const done = () => {
      socket.off("drain", done);
      socket.off("close", done);
      resolve();
    };
    socket.on("drain", done);
    socket.on("close", done);
  });
}

/** Frames of a client. */
export function clientFrames(...frames: readonly FrameSpec[]): Buffer {
  return Buffer.concat(frames.map((frame) => encodeFrame(frame, true)));
}

/** Frames of a server. */
export function serverFrames(...frames: readonly FrameSpec[]): Buffer {
  return Buffer.concat(frames.map((frame) => encodeFrame(frame, false)));
}

/** The code of the Close that a server has sent before the end; null where none came. */
export async function closeCode(raw: Raw): Promise<number | null> {
  const reader = new FrameReader(false);
  reader.push(Buffer.from(await raw.all(), "latin1"));
  for (let frame = reader.take(); frame !== null; frame = reader.take()) {
    if (frame.opcode === 8) return frame.payload.length < 2 ? 1005 : frame.payload.readUInt16BE();
  }
  return null;
}

/** The status of an HTTP answer. */
export function statusOf(head: string): number {
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1]);
}
