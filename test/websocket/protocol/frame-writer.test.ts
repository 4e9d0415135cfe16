// Frames out: every length form, masked and not, straight into the area that the output lends.

import { describe, expect, test } from "vitest";
import {
  type FrameOutput,
  frameHeaderBytes,
  MaskSource,
  MemoryOutput,
  unmask,
  writeBinaryFrame,
  writeFrameHeader,
  writeTextFrame,
} from "../../../lib/websocket/protocol/index.ts";
import { parseFrames, rawFrame } from "./support.ts";

const LENGTHS = [
  0, 1, 31, 32, 33, 64, 65, 125, 126, 127, 255, 257, 4_095, 4_096, 4_097, 65_535, 65_536, 100_000,
];
const KEY = 0x3d21fa37;
const KEY_BYTES = [0x37, 0xfa, 0x21, 0x3d];
const settingsOf = (masked: boolean) => ({
  masks: masked ? new MaskSource(1, (keys) => keys.fill(KEY)) : null,
  unmask,
});

/** An output whose area is guarded on both sides and no larger than was asked for. */
class StrictOutput implements FrameOutput {
  offset = 5;
  bufferedBytes = 0;
  readonly sent: Buffer[] = [];
  private area = Buffer.alloc(0);
  reserve(size: number): Buffer {
    expect(size).toBeLessThanOrEqual(14 + 4_096);
    this.area = Buffer.alloc(this.offset + size + 3, 0xee);
    return this.area;
  }
  commit(size: number): void {
    expect(this.area.subarray(0, this.offset).every((byte) => byte === 0xee)).toBe(true);
    const end = this.area.length - 3;
    expect(this.area.subarray(end).every((byte) => byte === 0xee)).toBe(true);
    this.sent.push(Buffer.from(this.area.subarray(this.offset, this.offset + size)));
  }
  append(bytes: Uint8Array): void {
    this.sent.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }
}

describe.each([false, true])("masked: %s", (masked) => {
  test.each(LENGTHS)("%i bytes, binary and text", (length) => {
    const mask = masked ? { mask: KEY_BYTES } : {};
    const payload = Buffer.alloc(length, "abcdefg");
    const wanted = rawFrame({ opcode: 2, payload, ...mask });
    const output = new StrictOutput();
    expect(writeBinaryFrame(output, settingsOf(masked), 0x82, payload)).toBe(wanted.length);
    expect(Buffer.concat(output.sent).equals(wanted)).toBe(true);
    const text = new StrictOutput();
    expect(writeTextFrame(text, settingsOf(masked), 0x82, payload.toString())).toBe(wanted.length);
    expect(Buffer.concat(text.sent).equals(wanted)).toBe(true);
    expect(payload.equals(Buffer.alloc(length, "abcdefg"))).toBe(true);
  });

  test("text beyond ASCII, at the loop's bound and above, lone surrogates as U+FFFD", () => {
    for (const text of [
      "é",
      `${"x".repeat(63)}é`,
      "é".repeat(32),
      "é".repeat(41),
      "é".repeat(42),
      "é".repeat(64),
      "x".repeat(125),
      "€".repeat(125),
      "€".repeat(1_365),
      "€".repeat(1_366),
      "é".repeat(2_048),
      "😀".repeat(33),
      "\ud800",
      `a\udc00${"b".repeat(5_000)}`,
    ]) {
      const output = new MemoryOutput();
      writeTextFrame(output, settingsOf(masked), 0x81, text);
      const [frame, ...rest] = parseFrames(output.take());
      expect(rest).toEqual([]);
      expect(frame?.payload.equals(Buffer.from(text))).toBe(true);
      expect(frame?.masked).toBe(masked);
    }
  });

  test("an injected mask function gets the long payloads", () => {
    const calls: number[] = [];
    const settings = {
      ...settingsOf(masked),
      unmask: (buffer: Uint8Array, offset: number, length: number) => {
        calls.push(length);
        buffer.fill(0, offset, offset + length);
      },
    };
    writeBinaryFrame(new MemoryOutput(), settings, 0x82, Buffer.alloc(10_000, 1));
    writeBinaryFrame(new MemoryOutput(), settings, 0x82, Buffer.alloc(1_000, 1));
    writeBinaryFrame(new MemoryOutput(), settings, 0x82, Buffer.alloc(10, 1));
    expect(calls).toEqual(masked ? [10_000, 1_000] : []);
  });
});

test("a server's long payload goes by reference, a client's in a copy", () => {
  const payload = Buffer.alloc(5_000, 9);
  for (const masked of [false, true]) {
    const output = new MemoryOutput();
    writeBinaryFrame(output, settingsOf(masked), 0x82, payload);
    const pieces = output.takePieces();
    expect(pieces.length).toBe(2);
    expect(pieces[1] === payload).toBe(!masked);
  }
});

test("headers of every size, and lengths above 32 bits", () => {
  for (const [length, hex] of [
    [0, "8200"],
    [125, "827d"],
    [126, "827e007e"],
    [65_535, "827effff"],
    [65_536, "827f0000000000010000"],
    [2 ** 40 + 3, "827f0000010000000003"],
  ] as const) {
    const area = Buffer.alloc(14);
    const end = writeFrameHeader(area, 0, 0x82, length, 0);
    expect(area.subarray(0, end).toString("hex")).toBe(hex);
    expect(frameHeaderBytes(length, false)).toBe(end);
    expect(frameHeaderBytes(length, true)).toBe(end + 4);
  }
});
