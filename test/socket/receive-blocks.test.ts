// The blocks behind large chunks that are kept: which are given away, which are used again.
import { describe, expect, test } from "vitest";
import { MAX_RECEIVE_BLOCKS, RECEIVE_BLOCK_BYTES } from "../../lib/core/limits.ts";
import { ReceiveBlocks } from "../../lib/socket/receive-blocks.ts";

function wanting(count: number): ReceiveBlocks {
  const blocks = new ReceiveBlocks();
  for (let turn = 0; turn < count; turn++) {
    blocks.want();
    blocks.renew();
  }
  return blocks;
}

describe("receive blocks", () => {
  test("there is none until somebody wants one, and never more than the limit", () => {
    const blocks = new ReceiveBlocks();
    expect(blocks.renew()).toBe(false);
    expect(blocks.list).toHaveLength(0);
    expect(wanting(1).list).toHaveLength(1);
    expect(wanting(MAX_RECEIVE_BLOCKS + 5).list).toHaveLength(MAX_RECEIVE_BLOCKS);
  });

  test("who wants several times in one turn gets one more", () => {
    const blocks = new ReceiveBlocks();
    for (let chunk = 0; chunk < 5; chunk++) blocks.want();
    blocks.renew();
    expect(blocks.list).toHaveLength(1);
  });

  test("what was given away is not used again; the rest of the block is", () => {
    const blocks = wanting(1);
    const [block] = blocks.list;
    blocks.give(0, 16_385);
    expect(blocks.renew()).toBe(true);
    expect(blocks.list[0] === block).toBe(true);
    // Aligned, so that typed arrays can be laid over what comes next.
    expect(blocks.used).toBe(16_392);
    expect(blocks.renew()).toBe(false);
  });

  test("a block with too little room for a read goes, and a new one takes its place", () => {
    const blocks = wanting(1);
    const [block] = blocks.list;
    blocks.give(0, RECEIVE_BLOCK_BYTES - 16_000);
    blocks.renew();
    expect(blocks.list).toHaveLength(1);
    expect(blocks.list[0] === block).toBe(false);
    expect(blocks.used).toBe(0);
  });

  test("what was given of a later block sends away those before it", () => {
    const blocks = wanting(3);
    const [, second, third] = blocks.list;
    blocks.give(0, 60_000);
    blocks.give(1, 8_192);
    blocks.renew();
    expect(blocks.list[0] === second && blocks.list[1] === third).toBe(true);
    expect(blocks.list).toHaveLength(3);
    expect(blocks.used).toBe(8_192);
  });

  test("the block of bytes is found while it is in use", () => {
    const blocks = wanting(2);
    const second = blocks.list[1] as Buffer;
    expect(blocks.blockOf(second.subarray(100, 200))).toBe(second);
    expect(blocks.blockOf(Buffer.alloc(10_000))).toBeUndefined();
    blocks.give(1, RECEIVE_BLOCK_BYTES);
    blocks.renew();
    expect(blocks.blockOf(second.subarray(100, 200))).toBeUndefined();
  });

  test("a block cannot be transferred, which would detach the chunks of others", () => {
    const { buffer } = wanting(1).list[0] as Buffer;
    // Node 20 makes a copy instead, newer ones throw.
    try {
      structuredClone(buffer, { transfer: [buffer as ArrayBuffer] });
    } catch {}
    expect(buffer.byteLength).toBe(RECEIVE_BLOCK_BYTES);
  });
});
