// What the tests of connections and listeners share: peers in other processes and from Node's own
// net, waiting for what happens, and what happens to exceptions that nobody catches.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, expect } from "vitest";
import { type Connection, type Listener, listen } from "../../lib/index.ts";
import type { ConnectionHandler, ListenOptions } from "../../lib/net/types.ts";

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Runs when the test is over, the last first. */
export function afterTest(cleanup: () => unknown): void {
  cleanups.push(cleanup);
}

/** A listener on 127.0.0.1 that is closed after the test. */
export async function serve<T = unknown>(
  options: ListenOptions<T> | undefined,
  handler?: ConnectionHandler<T>,
): Promise<Listener<T> & { readonly port: number }> {
  const listener =
    options === undefined && handler !== undefined
      ? await listen<T>("tcp://127.0.0.1:0", handler)
      : await listen<T>("tcp://127.0.0.1:0", options ?? {}, handler);
  return closing(listener);
}

export function closing<T>(listener: Listener<T>): Listener<T> & { readonly port: number } {
  afterTest(() => listener.close({ timeout: 0 }));
  return listener as Listener<T> & { readonly port: number };
}

/** Aborted after the test. */
export function ending<T>(connection: Connection<T>): Connection<T> {
  afterTest(() => connection.abort());
  return connection;
}

/** A server of node:net on a free port of 127.0.0.1. */
export async function nodeServer(
  onConnection: (socket: net.Socket) => void,
  options: net.ServerOpts = {},
  at: net.ListenOptions = { port: 0, host: "127.0.0.1" },
): Promise<{ server: net.Server; port: number }> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer(options, (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    onConnection(socket);
  });
  server.listen(at);
  await once(server, "listening");
  afterTest(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  return { server, port: typeof address === "object" && address !== null ? address.port : 0 };
}

/** A socket of node:net, connected. */
export async function nodeClient(options: net.NetConnectOpts): Promise<net.Socket> {
  const socket = net.connect(options);
  socket.on("error", () => {});
  afterTest(() => socket.destroy());
  await once(socket, "connect");
  return socket;
}

/** Everything that a socket of node:net receives until its end. */
export async function readNode(socket: net.Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** A program that speaks in lines. */
export class Peer {
  readonly child: ChildProcess;
  readonly exit: Promise<number | null>;
  stderr = "";
  readonly #lines: string[] = [];
  readonly #wanted: ((line: string | null) => void)[] = [];
  #isOver = false;

  constructor(command: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
    this.child = spawn(command, args, {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, ...environment },
    });
    this.child.stdin?.on("error", () => {});
    this.child.stderr?.on("data", (text) => {
      this.stderr += String(text);
    });
    const lines = createInterface({ input: this.child.stdout as NodeJS.ReadableStream });
    lines.on("line", (line) => {
      const wanted = this.#wanted.shift();
      if (wanted === undefined) this.#lines.push(line);
      else wanted(line);
    });
    lines.on("close", () => {
      this.#isOver = true;
      for (const wanted of this.#wanted.splice(0)) wanted(null);
    });
    this.exit = new Promise((resolve) => this.child.once("close", resolve));
    afterTest(async () => {
      this.child.kill("SIGKILL");
      await this.exit;
    });
  }

  /** The next line that it prints. */
  async line(): Promise<string> {
    const line = this.#lines.shift() ?? (this.#isOver ? null : await this.#next());
    if (line === null) throw new Error(`the peer has ended: ${this.stderr}`);
    return line;
  }

  #next(): Promise<string | null> {
    return new Promise((resolve) => this.#wanted.push(resolve));
  }

  /** Writes a line to its standard input. */
  say(line: string): void {
    this.child.stdin?.write(`${line}\n`);
  }
}

const PRELUDE = `
import os, socket, struct, sys, time, hashlib
def say(*words): print(*words, flush=True)
def hear(): return sys.stdin.readline().strip()
def reset(s): s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)); s.close()
def read_all(s):
    data = b""
    while True:
        more = s.recv(65536)
        if not more: return data
        data += more
`;

/** A Python program with say(), hear(), reset() and read_all(). */
export function python(program: string, ...args: (string | number)[]): Peer {
  return new Peer("python3", ["-u", "-c", PRELUDE + program, ...args.map(String)]);
}

/** A folder that goes after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "hawser-net-"));
  afterTest(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Waits until something is so. */
export async function until(what: string, holds: () => boolean, withinMs = 5_000): Promise<void> {
  const start = performance.now();
  while (!holds()) {
    if (performance.now() - start > withinMs)
      expect.unreachable(`not within ${withinMs} ms: ${what}`);
    await delay(2);
  }
}

export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A promise with its functions. */
export function deferred<T = void>(): {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
} {
  let resolve: (value: T) => void = () => {};
  let reject: (reason: unknown) => void = () => {};
  const promise = new Promise<T>((fulfil, refuse) => {
    resolve = fulfil;
    reject = refuse;
  });
  return { promise, resolve, reject };
}

/** Collects what reaches `uncaughtException` meanwhile, instead of the test runner. */
export async function collectUncaught(use: (errors: unknown[]) => Promise<void>): Promise<void> {
  const errors: unknown[] = [];
  const collect = (error: unknown) => errors.push(error);
  const events = ["uncaughtException", "unhandledRejection"] as const;
  const before = events.map((event) => process.listeners(event as "uncaughtException"));
  for (const event of events) {
    process.removeAllListeners(event);
    process.on(event as "uncaughtException", collect);
  }
  try {
    await use(errors);
    await delay(20);
  } finally {
    events.forEach((event, index) => {
      process.removeAllListeners(event);
      for (const listener of before[index] ?? [])
        process.on(event as "uncaughtException", listener);
    });
  }
}

/** Runs a program with this project's sources in a process of its own. */
export function ownProcess(program: string, command: readonly string[] = []): Peer {
  const source = `
    const { connect, listen, Connection, counters } = await import(${JSON.stringify(LIBRARY)});
    const say = (...words) => console.log(...words);
    ${program}`;
  const node = [process.execPath, "--import", "tsx", "--input-type=module", "-e", source];
  const [file, ...args] = [...command, ...node] as [string, ...string[]];
  return new Peer(file, args);
}

const LIBRARY = new URL("../../lib/index.ts", import.meta.url).href;
