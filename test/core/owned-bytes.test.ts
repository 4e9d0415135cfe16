import { expect, it } from "vitest";
import { OWNED_BLOCK_BYTES } from "../../lib/core/limits.ts";
import { allocateOwned, ownedCopy } from "../../lib/core/owned-bytes.ts";

const source = Buffer.from(Array.from({ length: 20_000 }, (_, index) => index % 251));

it.each([0, 1, 20, 4_096, 4_097, 16_384])("a copy of %i bytes holds what was there", (length) => {
  const copy = ownedCopy(source, 7, length);
  expect(copy.equals(source.subarray(7, 7 + length))).toBe(true);
  expect(Buffer.isBuffer(copy)).toBe(true);
});

it("a copy does not change when its source, or a neighbour, does", () => {
  const original = Buffer.from("original");
  const first = ownedCopy(original, 0, 8);
  const second = ownedCopy(original, 0, 8);
  original.fill(0);
  second.fill(1);
  expect(first.toString()).toBe("original");
});

it("copies never overlap, whatever their sizes", () => {
  const sizes = Array.from({ length: 3_000 }, (_, index) => (index * 37) % 900);
  const copies = sizes.map((size, index) => allocateOwned(size).fill(index % 256));
  copies.forEach((copy, index) => {
    expect(copy.length).toBe(sizes[index]);
    expect(copy.every((byte) => byte === index % 256)).toBe(true);
  });
});

it("one kept slice keeps at most a block of 8 KiB, and large bytes have memory of their own", () => {
  for (let index = 0; index < 1_000; index++) {
    expect(ownedCopy(source, 0, 100).buffer.byteLength).toBe(OWNED_BLOCK_BYTES);
  }
  expect(ownedCopy(source, 0, 4_096).buffer.byteLength).toBe(4_096);
  expect(OWNED_BLOCK_BYTES).toBe(8_192);
});

it("a block cannot be transferred away under its other slices", () => {
  const kept = ownedCopy(Buffer.from("kept"), 0, 4);
  const given = ownedCopy(Buffer.from("given"), 0, 5);
  try {
    // Node 20 copies what it may not transfer, later versions throw.
    structuredClone(given, { transfer: [given.buffer as ArrayBuffer] });
  } catch (error) {
    expect((error as Error).name).toBe("DataCloneError");
  }
  expect([kept.toString(), given.toString()]).toEqual(["kept", "given"]);
});

it("slices are aligned, so that wider typed arrays can be laid over them", () => {
  for (const size of [1, 3, 8, 13]) expect(allocateOwned(size).byteOffset % 8).toBe(0);
});
