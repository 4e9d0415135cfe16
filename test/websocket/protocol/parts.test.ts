// Messages given in parts, under any chunking, from the start or from any moment on: what comes out
// is what went in, in order, and no part is longer than the bound.

import { constants, deflateRawSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  MemoryOutput,
  ProtocolSettings,
  WebSocketProtocol,
} from "../../../lib/websocket/protocol/index.ts";
import { MAX_PART_BYTES } from "../../../lib/websocket/protocol/limits.ts";
import { FULL_DEFLATE, peerFrame, Recorder } from "./support.ts";

interface Sent {
  readonly isText: boolean;
  readonly content: string;
  readonly cuts: readonly number[];
}

/** The frames of a message, cut where the numbers say. */
function framesOf({ isText, content, cuts }: Sent): Buffer {
  const bytes = Buffer.from(content);
  const at = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  const borders = [0, ...at, bytes.length];
  const frames = borders.slice(1).map((to, index) =>
    peerFrame("server", {
      opcode: index > 0 ? 0 : isText ? 1 : 2,
      fin: index === borders.length - 2,
      payload: bytes.subarray(borders[index], to),
    }),
  );
  return Buffer.concat(frames);
}

/** What was told, each message in one piece again. */
function joined(handler: Recorder): (string | Buffer)[] {
  const messages: (string | Buffer)[] = [];
  let parts: (string | Buffer)[] = [];
  for (const [name, data, isFirst, isLast] of handler.told) {
    if (name === "message") messages.push(data as string | Buffer);
    if (name !== "part") continue;
    expect(isFirst).toBe(parts.length === 0);
    parts.push(data as string | Buffer);
    if (!isLast) continue;
    const isText = typeof parts[0] === "string";
    messages.push(isText ? parts.join("") : Buffer.concat(parts as Buffer[]));
    parts = [];
  }
  expect(parts).toEqual([]);
  return messages;
}

function make(stream = false, deflate = false) {
  const settings = new ProtocolSettings({ role: "server", stream, deflate });
  const handler = new Recorder();
  const agreed = deflate ? FULL_DEFLATE : null;
  const protocol = new WebSocketProtocol(settings, new MemoryOutput(), handler, agreed, 0);
  return { handler, protocol };
}

const message = fc.record({
  isText: fc.boolean(),
  content: fc.string({ unit: "grapheme", maxLength: 200 }),
  cuts: fc.array(fc.nat(), { maxLength: 4 }),
});

describe("any messages, cut anywhere", () => {
  test("come out as they went in, whenever parts were asked for", () => {
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 6 }),
        fc.array(fc.nat(), { maxLength: 10 }),
        fc.nat(12),
        fc.boolean(),
        (messages, seeds, asksAt, pauses) => {
          const { handler, protocol } = make();
          const bytes = Buffer.concat(messages.map(framesOf));
          const at = seeds.map((seed) => seed % (bytes.length + 1)).sort((a, b) => a - b);
          let from = 0;
          for (const [index, to] of [...at, bytes.length].entries()) {
            if (index === asksAt) protocol.giveParts();
            if (pauses && index % 2 === 1) protocol.pause();
            const chunk = Buffer.from(bytes.subarray(from, to));
            protocol.receive(chunk, 0, chunk.length, index);
            if (pauses) protocol.resume(index);
            from = to;
          }
          expect(joined(handler)).toEqual(
            messages.map(({ isText, content }) => (isText ? content : Buffer.from(content))),
          );
        },
      ),
    );
  });

  test("text parts are never cut inside a character", () => {
    fc.assert(
      fc.property(message, fc.array(fc.nat(), { maxLength: 20 }), (one, seeds) => {
        const { handler, protocol } = make(true);
        const bytes = framesOf({ ...one, isText: true });
        let from = 0;
        const at = seeds.map((seed) => seed % (bytes.length + 1)).sort((a, b) => a - b);
        for (const to of [...at, bytes.length]) {
          const chunk = Buffer.from(bytes.subarray(from, to));
          protocol.receive(chunk, 0, chunk.length, 0);
          from = to;
        }
        for (const [, data] of handler.named("part")) {
          expect(Buffer.from(String(data)).toString()).toBe(data);
        }
        expect(joined(handler)).toEqual([one.content]);
      }),
    );
  });
});

describe("the length of parts", () => {
  test.each([
    ["binary", 2],
    ["text", 1],
  ])("one frame that comes in one chunk is cut, %s", (_, opcode) => {
    const { handler, protocol } = make(true);
    const payload = Buffer.alloc(3 * MAX_PART_BYTES + 17, "0123456789");
    const chunk = peerFrame("server", { opcode, payload });
    protocol.receive(chunk, 0, chunk.length, 0);
    const lengths = handler.named("part").map(([, data]) => (data as Buffer).length);
    expect(lengths).toEqual([MAX_PART_BYTES, MAX_PART_BYTES, MAX_PART_BYTES, 17]);
    const [whole] = joined(handler);
    expect(Buffer.from(whole as Buffer).equals(payload)).toBe(true);
  });

  test("compressed parts are as long as zlib's pieces, also of what was kept before", async () => {
    const { handler, protocol } = make(false, true);
    const content = Buffer.alloc(500_000, "compresses well, and to little");
    const packed = deflateRawSync(content, { finishFlush: constants.Z_SYNC_FLUSH });
    const body = packed.subarray(0, -4);
    const half = body.length >> 1;
    const first = peerFrame("server", {
      opcode: 2,
      rsv: 4,
      fin: false,
      payload: body.subarray(0, half),
    });
    protocol.receive(first, 0, first.length, 0);
    protocol.giveParts();
    const second = peerFrame("server", { opcode: 0, payload: body.subarray(half) });
    protocol.receive(second, 0, second.length, 1);
    await handler.until(([name, , , isLast]) => name === "part" && isLast === true);
    for (const [, data] of handler.named("part")) {
      expect((data as Buffer).length).toBeLessThanOrEqual(16_384);
    }
    expect((joined(handler)[0] as Buffer).equals(content)).toBe(true);
  });
});
