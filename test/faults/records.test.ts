// What a crowd says of its bytes can be believed: whatever may happen to them on the way is
// noticed.
import fc from "fast-check";
import { expect, test } from "vitest";
import { RecordReader, recordOf } from "./support/records.ts";

const said = (member: number, count: number) =>
  Array.from({ length: count }, (_, sequence) => recordOf(member, sequence));

function readerOf(...parts: Buffer[]): RecordReader {
  const reader = new RecordReader(7);
  for (const part of parts) reader.read(part);
  return reader;
}

test("all records in order, however they are cut", () => {
  const bytes = Buffer.concat(said(7, 40));
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length), { maxLength: 20 }), (cuts) => {
      const at = [0, ...cuts.sort((a, b) => a - b), bytes.length];
      const reader = readerOf(...at.slice(1).map((to, part) => bytes.subarray(at[part], to)));
      expect(reader).toMatchObject({ records: 40, problem: undefined, isWhole: true });
    }),
  );
});

test("a byte that is changed, missing or there twice is noticed", () => {
  const bytes = Buffer.concat(said(7, 6));
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] as number) ^ change;
      const missing = [bytes.subarray(0, at), bytes.subarray(at + 1)];
      const twice = [bytes.subarray(0, at + 1), bytes.subarray(at)];
      for (const reader of [readerOf(changed), readerOf(...missing), readerOf(...twice)]) {
        expect(reader.problem !== undefined || !reader.isWhole || reader.records !== 6).toBe(true);
      }
    }),
  );
});

test.each([
  ["lost", [0, 1, 3], "member 7: record 3 where record 2 was due"],
  ["said twice", [0, 1, 1], "member 7: record 1 where record 2 was due"],
  ["out of order", [1, 0], "member 7: record 1 where record 0 was due"],
])("a record that is %s is told", (_what, sequence, problem) => {
  const reader = readerOf(...sequence.map((one) => recordOf(7, one)));
  expect(reader.problem).toBe(problem);
});

test("a record of another connection is told", () => {
  const reader = readerOf(recordOf(7, 0), recordOf(8, 1));
  expect(reader.problem).toBe("member 7: a record of member 8 where record 1 was due");
});

test("what comes behind a problem is not counted", () => {
  const reader = readerOf(recordOf(7, 1), recordOf(7, 0));
  expect(reader.records).toBe(0);
});
