// What is kept of a chain that the kernel has taken in part.

import { describe, expect, test } from "vitest";
import {
  OPERATION_SEND_AREA,
  OPERATION_SEND_SLAB,
  OPERATION_SEND_VIEW,
  OPERATION_SHUTDOWN,
  SUBMISSION_LENGTH,
  SUBMISSION_NEXT,
  SUBMISSION_OFFSET,
  SUBMISSION_OPERATION,
  SUBMISSION_VIEW,
  SUBMISSION_WORDS,
} from "../../lib/binding/records.ts";
import { asBuffer, restOfChain } from "../../lib/socket/chain-rest.ts";
import { area, slab, submissions, views } from "../../lib/socket/reactor.ts";

const VIEW = 3;

interface Resizable extends ArrayBuffer {
  resize(size: number): void;
}
const ResizableBuffer = ArrayBuffer as unknown as new (
  size: number,
  options: { maxByteLength: number },
) => Resizable;

/** A chain of parts, each with its operation; the indexes are not those of their order. */
function chain(parts: readonly (readonly [operation: number, offset: number, length: number])[]) {
  const indexes = parts.map((_, place) => 10 + (parts.length - place) * 2);
  parts.forEach(([operation, offset, length], place) => {
    const at = (indexes[place] as number) * SUBMISSION_WORDS;
    submissions[at + SUBMISSION_OPERATION] = operation;
    submissions[at + SUBMISSION_OFFSET] = offset;
    submissions[at + SUBMISSION_LENGTH] = length;
    submissions[at + SUBMISSION_VIEW] = VIEW;
    submissions[at + SUBMISSION_NEXT] = indexes[place + 1] ?? -1;
  });
  return indexes[0] as number;
}

describe("the rest of a chain", () => {
  const caller = new Uint8Array(Buffer.from("from the caller"));
  const parts = [
    [OPERATION_SEND_AREA, 100, 9],
    [OPERATION_SEND_VIEW, 5, 10],
    [OPERATION_SEND_SLAB, 40, 8],
    [OPERATION_SHUTDOWN, 0, 0],
  ] as const;
  const whole = "from areathe callerfrom rcv";

  test.each([0, 1, 8, 9, 10, 18, 19, 20, 26, 27])("after %i bytes that were taken", (taken) => {
    area.write("from area", 100);
    slab.write("from rcv", 40);
    views[VIEW] = caller;
    const rest = restOfChain(chain(parts), taken);
    expect(rest.bytes).toBe(whole.length - taken);
    let text = "";
    for (let chunk = rest.shift(); chunk !== undefined; chunk = rest.shift()) text += chunk;
    expect(text).toBe(whole.slice(taken));
  });

  test.each([
    [
      "detached",
      ({ buffer }: Uint8Array<ArrayBuffer>) => structuredClone(buffer, { transfer: [buffer] }),
    ],
    ["shrunk", ({ buffer }: Uint8Array<ArrayBuffer>) => (buffer as Resizable).resize(12)],
    ["emptied", ({ buffer }: Uint8Array<ArrayBuffer>) => (buffer as Resizable).resize(0)],
  ])("counts memory that was %s for what it was", (_how, take) => {
    const buffer = new ResizableBuffer(15, { maxByteLength: 15 });
    const bytes = new Uint8Array(buffer);
    views[VIEW] = bytes;
    take(bytes);
    const rest = restOfChain(chain([[OPERATION_SEND_VIEW, 5, 10]]), 2);
    expect(rest.bytes).toBe(8);
    expect(rest.sizeAt(0)).toBe(8);
    // Less than it counts for, which the flush finds out.
    expect(rest.peek()?.length).toBe(0);
  });

  test("is a copy of what is used again, and the caller's own where it is the caller's", () => {
    area.write("from area", 100);
    slab.write("from rcv", 40);
    views[VIEW] = caller;
    const rest = restOfChain(chain(parts), 0);
    area.fill(0, 100, 109);
    slab.fill(0, 40, 48);
    const chunks: Buffer[] = [];
    for (let chunk = rest.shift(); chunk !== undefined; chunk = rest.shift()) chunks.push(chunk);
    expect(String(Buffer.concat(chunks))).toBe(whole);
    expect(chunks.some(({ buffer }) => buffer === caller.buffer)).toBe(true);
  });
});

test("asBuffer is the same memory", () => {
  const bytes = new Uint8Array([1, 2, 3, 4]).subarray(1, 3);
  const buffer = asBuffer(bytes);
  expect(buffer).toEqual(Buffer.of(2, 3));
  expect(buffer.buffer).toBe(bytes.buffer);
  expect(asBuffer(buffer)).toBe(buffer);
});
