// What the tests with WebSockets of others share: programs that echo in both roles, and what is
// asked of them. Each program prints `port N` when it listens, `closed CODE REASON` at an end, and
// closes with 4002 and "by the peer" when it is sent the text "close".

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { expect } from "vitest";
import type { Message, WebSocketConnection } from "../../lib/index.ts";
import { foreignEnvironment } from "../support/environment.ts";
import { afterTest } from "../websocket/support.ts";

/** A program that runs, line by line. */
export class PeerProgram {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterableIterator<string>;
  #errors = "";

  constructor(command: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
    this.#child = spawn(command, args, { env: { ...foreignEnvironment(), ...environment } });
    this.#child.stderr.on("data", (bytes) => {
      this.#errors += String(bytes);
    });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    afterTest(async () => {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
      this.#child.kill("SIGKILL");
      await once(this.#child, "exit");
    });
  }

  /** The next line, which has to begin so. */
  async line(start: string): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`the peer has ended: ${this.#errors}`);
    expect(value).toMatch(new RegExp(`^${start}`));
    return value.slice(start.length).trim();
  }
}

const SIZES = [0, 1, 125, 126, 1_023, 1_024, 65_535, 65_536, 300_000];

/** Text of about so many bytes, not all of one byte each. */
function text(size: number): string {
  return "a€b😀é".repeat(size / 11) + "x".repeat(size % 11);
}

/** Bytes that hardly compress, or do. */
function bytes(size: number, isRandom: boolean): Buffer {
  const made = Buffer.alloc(size, "0123456789");
  for (let at = 0, seed = size + 1; isRandom && at < size; at++) {
    seed = (seed * 1_103_515_245 + 12_345) & 0x7fff_ffff;
    made[at] = seed >> 16;
  }
  return made;
}

function expectSame(actual: Message | null, expected: Message): void {
  if (typeof expected === "string") expect(actual === expected).toBe(true);
  else expect(Buffer.isBuffer(actual) && actual.equals(expected)).toBe(true);
}

/**
 * Sends messages of every kind to a peer that echoes, one after the other and all at once.
 *
 * @param compresses whether the peer does, of what it sends
 */
export async function exchange(
  socket: WebSocketConnection,
  isCompressed: boolean,
  compresses: boolean = isCompressed,
): Promise<void> {
  expect(socket.extensions.includes("permessage-deflate")).toBe(isCompressed);
  const messages = SIZES.flatMap((size): Message[] => [
    text(size),
    bytes(size, false),
    bytes(size, true),
  ]);
  for (const message of messages) {
    await socket.send(message);
    expectSame(await socket.receive(), message);
  }
  for (const message of messages) socket.write(message);
  for (const message of messages) expectSame(await socket.receive(), message);
  const parts = socket.stream();
  for (const part of ["one ", "\ud83d", "\ude00", " three"]) await parts.send(part);
  await parts.end();
  expect(await socket.receive()).toBe("one 😀 three");
  const before = socket.bytesRead;
  const large = bytes(100_000, false);
  await socket.send(large);
  expectSame(await socket.receive(), large);
  expect(socket.bytesRead - before < 10_000).toBe(compresses);
  expect(socket.ping("are you there")).toBe(true);
}

/** We close. */
export async function closeOurselves(socket: WebSocketConnection): Promise<void> {
  const result = await socket.close(4_001, "by us");
  expect(result).toMatchObject({ code: 4_001, wasClean: true, error: null, initiator: "local" });
}

/** The peer closes. */
export async function letPeerClose(socket: WebSocketConnection): Promise<void> {
  await socket.send("close");
  const result = await socket.closed;
  expect(result).toMatchObject({
    code: 4_002,
    reason: "by the peer",
    wasClean: true,
    error: null,
    initiator: "peer",
  });
}
