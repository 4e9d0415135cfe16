// Attacks with frames, over real sockets: lengths, fragments, control frames, masks, compression.
// Each gets its close code, what is kept stays under a bound, and others are served meanwhile.
// docs/security.md names each of them.

import { once } from "node:events";
import { deflateRawSync } from "node:zlib";
import { describe, expect, test, vi } from "vitest";
import { binary, close, continuation, ping, pong, text } from "../../conformance/case.ts";
import { FrameReader, type FrameSpec } from "../../conformance/frames.ts";
import type { Raw } from "../support.ts";
import {
  clientFrames,
  closeCode,
  MIB,
  slowness,
  timeLimitMs,
  upgraded,
  Victim,
  written,
} from "./support.ts";

const ATTACKERS = 20;

function many<T>(count: number, make: (index: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => make(index)));
}

/** So many attackers send the same, and what each was closed with. */
async function codesOf(victim: Victim, bytes: Uint8Array, ...more: string[]) {
  const codes = await many(ATTACKERS, async () => {
    const raw = await upgraded(victim.port, ...more);
    raw.write(bytes);
    return closeCode(raw);
  });
  return new Set(codes);
}

/** What was sent has been read: the pong to a ping behind it is there. */
async function answered(raw: Raw): Promise<void> {
  raw.write(clientFrames(ping("seen")));
  await raw.until((bytes) => bytes.includes("seen"));
}

describe("B46: lengths", () => {
  test.each([
    ["CVE-2026-1528: of 2^63 - 1", 2n ** 63n - 1n],
    ["CVE-2016-10542: of 1 GiB", 2n ** 30n],
    ["of one byte more than maxPayload", 16_777_217n],
  ])(
    "a frame that declares a length %s is 1009 before its payload comes",
    async (_, declared) => {
      const victim = await Victim.serve();
      const bytes = clientFrames(binary("begins", { declared, form: 64 }));
      expect(await codesOf(victim, bytes)).toEqual(new Set([1009]));
      await victim.isUnharmed({ bytes: 4 * MIB, peak: 32 * MIB });
    },
    timeLimitMs,
  );

  test(
    "a declared length of 16 MiB reserves nothing: 200 of them keep what has come",
    async () => {
      const victim = await Victim.serve();
      await many(200, async () => {
        const raw = await upgraded(victim.port);
        raw.write(clientFrames(ping("seen")));
        await raw.until((bytes) => bytes.includes("seen"));
        raw.write(clientFrames(binary("begins", { declared: 16_777_216n, form: 64 })));
      });
      const { open } = await victim.isUnharmed({ bytes: 8 * MIB, peak: 64 * MIB });
      expect(open).toBe(201);
    },
    timeLimitMs,
  );

  test(
    "fragments that make a message larger than maxPayload together are 1009",
    async () => {
      const victim = await Victim.serve({ maxPayload: 100_000 });
      const half = Buffer.alloc(60_000);
      const bytes = clientFrames(binary(half, { fin: false }), continuation(half));
      expect(await codesOf(victim, bytes)).toEqual(new Set([1009]));
      await victim.isUnharmed({ bytes: 4 * MIB });
    },
    timeLimitMs,
  );
});

describe("B46: fragments", () => {
  const tiny = (count: number, payload: string): Buffer =>
    clientFrames(
      text(payload, { fin: false }),
      ...Array.from({ length: count - 1 }, (): FrameSpec => continuation(payload, { fin: false })),
    );

  test.each([
    ["of one byte", "x"],
    ["without a byte", ""],
  ])(
    "CVE-2026-48779: 16,385 fragments %s are 1008",
    async (_, payload) => {
      const victim = await Victim.serve();
      expect(await codesOf(victim, tiny(16_385, payload))).toEqual(new Set([1008]));
      await victim.isUnharmed({ bytes: 4 * MIB, peak: 64 * MIB });
    },
    timeLimitMs,
  );

  test(
    "16,384 fragments of one byte, held open by each of 50 attackers, keep 40 KiB each",
    async () => {
      const victim = await Victim.serve();
      const bytes = tiny(16_384, "x");
      await many(50, async () => {
        const raw = await upgraded(victim.port);
        await written(raw, bytes);
        await answered(raw);
      });
      await victim.isUnharmed({ bytes: 50 * 40_960 + 2 * MIB, peak: 64 * MIB });
    },
    timeLimitMs,
  );

  test(
    "a message that arrives in pieces of one byte keeps no more than its bytes, twice",
    async () => {
      const victim = await Victim.serve();
      const frame = clientFrames(binary(Buffer.alloc(20_000, "x")));
      await many(10, async () => {
        const raw = await upgraded(victim.port);
        raw.socket.setNoDelay(true);
        for (let at = 0; at < frame.length - 1; at++) {
          raw.write(frame.subarray(at, at + 1));
          if (at % 4 === 0) await new Promise(setImmediate);
        }
      });
      await victim.isUnharmed({ bytes: 10 * 40_960 + 2 * MIB });
    },
    timeLimitMs,
  );
});

describe("B46: control frames", () => {
  test.each([
    ["pings", ping("x")],
    ["pongs that nobody asked for", pong("x")],
    ["empty pings", ping("")],
  ])(
    "a flood of %s is 1008",
    async (_, frame) => {
      const victim = await Victim.serve();
      const one = clientFrames(frame);
      const flood = Buffer.concat(Array.from({ length: 1_001 }, () => one));
      expect(await codesOf(victim, flood)).toEqual(new Set([1008]));
      await victim.isUnharmed({ bytes: 4 * MIB });
    },
    timeLimitMs,
  );

  test(
    "900 pings of an attacker who reads nothing are answered once, the newest of them",
    async () => {
      const victim = await Victim.serve();
      const raw = await upgraded(victim.port);
      raw.socket.pause();
      // More than the kernel takes, so that the answers would have to wait here.
      const message = clientFrames(binary(Buffer.alloc(16 * MIB)));
      await written(raw, message);
      const payload = (index: number) => `ping ${index}`.padEnd(125, ".");
      const pings = Array.from({ length: 900 }, (_, index) => ping(payload(index)));
      const flood = clientFrames(...pings);
      await written(raw, flood);
      const sent = message.length + flood.length;
      await vi.waitFor(async () => expect((await victim.report()).mostRead).toBeGreaterThan(sent), {
        timeout: 10_000 * slowness,
      });
      raw.socket.resume();
      const received = await raw.until((bytes) => bytes.includes(payload(899)));
      const reader = new FrameReader(false);
      reader.push(received);
      const frames: (readonly [number, number])[] = [];
      for (let frame = reader.take(); frame !== null; frame = reader.take()) {
        frames.push([frame.opcode, frame.payload.length]);
      }
      expect(frames).toEqual([
        [2, 16 * MIB],
        [10, 125],
      ]);
      await victim.isUnharmed({ bytes: 4 * MIB, peak: 96 * MIB });
    },
    timeLimitMs,
  );

  test(
    "close storms: 50 times 100 connections that close at once are all gone in the end",
    async () => {
      const victim = await Victim.serve();
      for (let round = 0; round < 50; round++) {
        await many(100, async (index) => {
          const raw = await upgraded(victim.port);
          // One Close, many, one inside a message, and none but TCP's end or a reset.
          if (index % 5 === 0) raw.write(clientFrames(close(1000)));
          else if (index % 5 === 1) raw.write(clientFrames(...Array(50).fill(close(1001))));
          else if (index % 5 === 2) raw.write(clientFrames(text("a", { fin: false }), close()));
          else if (index % 5 === 3) raw.socket.end();
          else raw.socket.resetAndDestroy();
          await raw.until(() => false);
        });
      }
      const { opened, open, told } = await victim.isUnharmed({ bytes: 6 * MIB });
      expect(opened).toBe(5_000);
      expect(open).toBe(1);
      expect(told).toMatchObject({ 1000: 1_000, 1001: 1_000, 1005: 1_000 });
    },
    2 * timeLimitMs,
  );

  test(
    "an attacker who answers no Close and ends nothing is dropped after closeTimeout",
    async () => {
      const victim = await Victim.serve({ closeTimeout: 500 * slowness });
      await many(ATTACKERS, async () => {
        const raw = await upgraded(victim.port);
        raw.socket.allowHalfOpen = true;
        raw.write(clientFrames(text("a", { fin: false }), text("b")));
        await once(raw.socket, "end");
      });
      // The reset comes when nobody reads here any more, so it is the server that is asked.
      await vi.waitFor(async () => expect((await victim.report()).open).toBe(1), {
        timeout: 10_000 * slowness,
      });
      await victim.isUnharmed({ bytes: 4 * MIB });
    },
    timeLimitMs,
  );
});

describe("what a frame may not be", () => {
  test.each([
    ["a text without mask", text("x", { wrongMask: true }), 1002],
    ["a ping without mask", ping("x", { wrongMask: true }), 1002],
    ["a Close without mask", close(1000, "", { wrongMask: true }), 1002],
    ["a reserved opcode", { opcode: 5 }, 1002],
    ["a reserved bit", text("x", { rsv: 4 }), 1002],
    ["a close code that may not be sent", close(1005), 1002],
    ["a close reason that is not UTF-8", close(1000, Buffer.from([0xff])), 1007],
  ] as const)(
    "%s: its code, 20 times at once",
    async (_, frame, code) => {
      const victim = await Victim.serve();
      expect(await codesOf(victim, clientFrames(frame))).toEqual(new Set([code]));
      await victim.isUnharmed({ bytes: 4 * MIB });
    },
    timeLimitMs,
  );

  test(
    "invalid UTF-8 at each of 300 positions is 1007 before the message is over",
    async () => {
      const victim = await Victim.serve();
      const codes = await many(300, async (position) => {
        const raw = await upgraded(victim.port);
        const payload = Buffer.alloc(position + 1, "ö");
        payload[position] = 0xff;
        raw.write(clientFrames(text(payload, { declared: 100_000n, form: 64 })));
        return closeCode(raw);
      });
      expect(new Set(codes)).toEqual(new Set([1007]));
      await victim.isUnharmed({ bytes: 6 * MIB });
    },
    timeLimitMs,
  );
});

describe("B46: compression", () => {
  const OFFER = "Sec-WebSocket-Extensions: permessage-deflate";
  const bomb = (size: number): Buffer => deflateRawSync(Buffer.alloc(size));
  const compressed = (payload: Buffer): FrameSpec => binary(payload, { rsv: 4 });

  test(
    "a bomb of 64 MiB in 64 KiB is 1009, and its output stops at maxPayload",
    async () => {
      const victim = await Victim.serve({ perMessageDeflate: true });
      const bytes = clientFrames(compressed(bomb(64 * MIB)));
      expect(bytes.length).toBeLessThan(70_000);
      expect(await codesOf(victim, bytes, OFFER)).toEqual(new Set([1009]));
      // At most eight are inflated at once, each to 16 MiB, and then put together.
      await victim.isUnharmed({ bytes: 8 * MIB, peak: 8 * 2 * 16 * MIB });
    },
    timeLimitMs,
  );

  test(
    "a thousand small bombs in one piece do not hold the loop",
    async () => {
      const victim = await Victim.serve({ perMessageDeflate: true, maxPayload: 1_048_576 });
      const small = clientFrames(compressed(bomb(100_000)));
      const raw = await upgraded(victim.port, OFFER);
      raw.socket.resume();
      for (let count = 0; count < 1_000; count++) await written(raw, small);
      raw.write(clientFrames(close(1000)));
      await raw.until(() => false);
      const { heldMs, told } = await victim.isUnharmed({ bytes: 8 * MIB });
      expect(told).toEqual({ 1000: 1 });
      expect(heldMs).toBeLessThan(500 * slowness);
    },
    timeLimitMs,
  );

  test(
    "a flood of final blocks, garbage and a cut message are 1007",
    async () => {
      const victim = await Victim.serve({ perMessageDeflate: true });
      const finals = Buffer.concat(Array.from({ length: 200 }, () => Buffer.from([0x03, 0x00])));
      const noise = Buffer.alloc(30_000, 0xff);
      const cutOff = deflateRawSync(Buffer.alloc(10_000, "abc")).subarray(0, 10);
      for (const payload of [finals, noise, cutOff]) {
        const bytes = clientFrames(compressed(payload));
        expect(await codesOf(victim, bytes, OFFER)).toEqual(new Set([1007]));
      }
      await victim.isUnharmed({ bytes: 4 * MIB });
    },
    timeLimitMs,
  );

  test(
    "idle connections with compression keep no zlib state",
    async () => {
      const victim = await Victim.serve({ perMessageDeflate: true });
      const message = deflateRawSync(Buffer.from("a message"), { finishFlush: 2 }).subarray(0, -4);
      await many(500, async () => {
        const raw = await upgraded(victim.port, OFFER);
        raw.write(clientFrames(compressed(message)));
        await raw.until((bytes) => bytes.includes("a message"));
      });
      const { open } = await victim.isUnharmed({ bytes: 500 * 6_144 + 2 * MIB });
      expect(open).toBe(501);
    },
    timeLimitMs,
  );
});
