// Masking in native code: the same bytes as the plain loop, for any length, place and phase.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { native } from "../../lib/binding/native.ts";
import { unmask } from "../../lib/websocket/native-mask.ts";

function reference(bytes: Uint8Array, offset: number, length: number, key: number, phase: number) {
  for (let index = 0; index < length; index++) {
    const at = offset + index;
    bytes[at] = (bytes[at] as number) ^ ((key >>> (((index + phase) & 3) * 8)) & 0xff);
  }
}

describe("unmask", () => {
  const lengths = fc.oneof(fc.nat(70), fc.integer({ min: 500, max: 530 }), fc.nat(20_000));

  test.each([
    ["native", native.unmask],
    ["as the protocol gets it", unmask],
  ])("%s gives what the plain loop gives", (_, mask) => {
    fc.assert(
      fc.property(lengths, fc.nat(17), fc.integer(), fc.nat(3), (length, offset, key, phase) => {
        const bytes = Buffer.allocUnsafeSlow(offset + length + 9);
        for (let at = 0; at < bytes.length; at++) bytes[at] = (at * 31) & 0xff;
        const expected = Buffer.from(bytes);
        reference(expected, offset, length, key | 0, phase);
        mask(bytes, offset, length, key | 0, phase);
        expect(bytes.equals(expected)).toBe(true);
      }),
    );
  });

  test("what does not lie in the buffer is left alone, whatever the arguments", () => {
    const bytes = Buffer.alloc(16, 1);
    const call = native.unmask as (...args: unknown[]) => void;
    call(bytes, 8, 9, 0x01010101, 0);
    call(bytes, 17, 0, 0x01010101, 0);
    call(bytes, -1, 4, 0x01010101, 0);
    call(bytes, 0, 0xffff_ffff, 0x01010101, 0);
    call(new Uint16Array(4), 0, 4, 1, 0);
    call({}, 0, 4, 1, 0);
    call(bytes);
    expect(bytes.equals(Buffer.alloc(16, 1))).toBe(true);
    call(bytes, 0, 16, 0x01010101, 0);
    expect(bytes.equals(Buffer.alloc(16, 0))).toBe(true);
  });
});
