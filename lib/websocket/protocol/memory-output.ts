// A FrameOutput in memory: for tests, for byte streams without a submission area (a Duplex), and
// for frames that are encoded once and sent to many.

import type { FrameOutput } from "./frame-writer.ts";

/** Bytes of one area; what does not fit begins another. */
const AREA_BYTES = 8_192;

export class MemoryOutput implements FrameOutput {
  offset = 0;
  bufferedBytes = 0;
  private area: Buffer = Buffer.alloc(0);
  private areaStart = 0;
  private readonly pieces: Uint8Array[] = [];

  reserve(size: number): Buffer {
    if (this.area.length - this.offset < size) {
      this.closeArea();
      this.area = Buffer.allocUnsafeSlow(Math.max(size, AREA_BYTES));
      this.offset = this.areaStart = 0;
    }
    return this.area;
  }

  commit(size: number): void {
    this.offset += size;
    this.bufferedBytes += size;
  }

  append(bytes: Uint8Array): void {
    this.closeArea();
    this.pieces.push(bytes);
    this.bufferedBytes += bytes.length;
  }

  /** Everything since the last call, in order; the caller owns the pieces. */
  takePieces(): Uint8Array[] {
    this.closeArea();
    this.bufferedBytes = 0;
    return this.pieces.splice(0);
  }

  /** The same as one Buffer. */
  take(): Buffer {
    return Buffer.concat(this.takePieces());
  }

  private closeArea(): void {
    if (this.offset > this.areaStart) {
      this.pieces.push(this.area.subarray(this.areaStart, this.offset));
      this.areaStart = this.offset;
    }
  }
}
