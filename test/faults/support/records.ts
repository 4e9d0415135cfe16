// What the members of a crowd say: records that carry whose they are, their number and a checksum,
// so that what is lost, said twice, out of order, changed, or another connection's is noticed by
// whoever reads it. Pure. Not here: connections (crowd-members.ts).

import { crc32 } from "node:zlib";

/** Four big-endian numbers: bytes that follow, member, number, CRC-32 over all but itself. */
const HEAD_BYTES = 16;
const CHECKSUM_AT = 12;
const LEAST_BYTES = 16;
/** Most records are small, and go out as copies; every so often one is kept by reference. */
const SMALL_BYTES = 400;
const LARGE_BYTES = 6_000;
const LARGE_EVERY = 32;

/** Numbers that look like noise (Knuth's multiplicative hash), the same in every run. */
function noiseOf(member: number, sequence: number): number {
  const mixed = Math.imul(member ^ Math.imul(sequence + 1, 0x9e3779b1), 0x85ebca6b);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}

const NOISE = Buffer.alloc(65_536);
for (let at = 0; at < NOISE.length; at += 4) NOISE.writeUInt32BE(noiseOf(at, 0), at);

/** Record number `sequence` of a member: 32 to 6,016 bytes. Nobody else has hold of the buffer. */
export function recordOf(member: number, sequence: number): Buffer {
  const noise = noiseOf(member, sequence);
  const isLarge = (member + sequence) % LARGE_EVERY === 0;
  const size = isLarge ? LARGE_BYTES : LEAST_BYTES + (noise % (SMALL_BYTES - LEAST_BYTES));
  const record = Buffer.allocUnsafe(HEAD_BYTES + size);
  record.writeUInt32BE(size, 0);
  record.writeUInt32BE(member, 4);
  record.writeUInt32BE(sequence, 8);
  const from = noise % (NOISE.length - size);
  NOISE.copy(record, HEAD_BYTES, from, from + size);
  record.writeUInt32BE(checksumOf(record), CHECKSUM_AT);
  return record;
}

function checksumOf(record: Buffer): number {
  return crc32(record.subarray(HEAD_BYTES), crc32(record.subarray(0, CHECKSUM_AT)));
}

/** Checks one direction of one connection. The first thing that is wrong is told; then no more. */
export class RecordReader {
  /** Whose records they are: known from the start, or from the first one. */
  member: number | undefined;
  /** Records that were whole and in order. */
  records = 0;
  /** What is wrong, in words. */
  problem: string | undefined;
  #rest: Buffer = Buffer.alloc(0);

  constructor(member?: number) {
    this.member = member;
  }

  read(bytes: Buffer): void {
    let rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    while (this.problem === undefined && rest.length >= HEAD_BYTES) {
      const size = rest.readUInt32BE(0);
      // Else a length that is wrong would wait for bytes that never come.
      if (size > LARGE_BYTES) this.#fail(`a record of ${size} bytes`);
      if (size > LARGE_BYTES || rest.length < HEAD_BYTES + size) break;
      this.#check(rest.subarray(0, HEAD_BYTES + size));
      rest = rest.subarray(HEAD_BYTES + size);
    }
    // A copy: a few bytes would keep the whole block alive that they came in.
    this.#rest = Buffer.from(rest);
  }

  /** Whether the last record has come to its end. */
  get isWhole(): boolean {
    return this.#rest.length === 0;
  }

  #check(record: Buffer): void {
    const member = record.readUInt32BE(4);
    const sequence = record.readUInt32BE(8);
    if (record.readUInt32BE(CHECKSUM_AT) !== checksumOf(record)) {
      this.#fail("a record whose checksum is wrong");
    } else if (member !== (this.member ?? member)) {
      this.#fail(`a record of member ${member}`);
    } else if (sequence !== this.records) {
      this.#fail(`record ${sequence}`);
    } else {
      this.member = member;
      this.records++;
    }
  }

  #fail(what: string): void {
    this.problem = `member ${this.member}: ${what} where record ${this.records} was due`;
  }
}
