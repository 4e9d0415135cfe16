// The output in memory: order of areas and references, and areas that are not written twice.

import { expect, test } from "vitest";
import { MemoryOutput } from "../../../lib/websocket/protocol/index.ts";

function put(output: MemoryOutput, text: string): void {
  const area = output.reserve(text.length);
  area.write(text, output.offset);
  output.commit(text.length);
}

test("committed areas and appended bytes come out in order", () => {
  const output = new MemoryOutput();
  const long = Buffer.from("LONG");
  put(output, "a");
  put(output, "b");
  output.append(long);
  put(output, "c");
  expect(output.bufferedBytes).toBe(7);
  const pieces = output.takePieces();
  expect(pieces.map(String)).toEqual(["ab", "LONG", "c"]);
  expect(pieces[1]).toBe(long);
  expect(output.bufferedBytes).toBe(0);
  expect(output.takePieces()).toEqual([]);
});

test("what was taken is not written over", () => {
  const output = new MemoryOutput();
  put(output, "first");
  const first = output.take();
  const pieces: Uint8Array[] = [];
  put(output, "x".repeat(20));
  pieces.push(...output.takePieces());
  put(output, "y".repeat(20));
  expect(String(pieces[0])).toBe("x".repeat(20));
  expect(String(first)).toBe("first");
});

test("reserving without committing sends nothing; larger areas than usual are made", () => {
  const output = new MemoryOutput();
  output.reserve(10).fill(1);
  put(output, "a");
  put(output, "z".repeat(9_000));
  expect(output.take().toString()).toBe(`a${"z".repeat(9_000)}`);
});
