// A Buffer over a part of another one's memory, as subarray() gives: the one object that a message
// costs. Not here: copies (owned-bytes.ts).
//
// subarray() asks its Buffer for the memory at each call, and Buffer.from() asks what it was given;
// both take twice as long as making the object. Its class is not exported, but Buffer names it as
// its species (ECMA-262, TypedArraySpeciesCreate).

type Construct = (memory: ArrayBufferLike, offset: number, length: number) => Buffer;

const Species = (Buffer as unknown as { readonly [Symbol.species]?: new () => unknown })[
  Symbol.species
] as unknown as (new (...args: Parameters<Construct>) => Buffer) | undefined;

/** A Buffer over `length` bytes of `memory` from `offset` on. @throws RangeError beyond it */
export const bufferOver: Construct = isClassOfBuffers(Species)
  ? (memory, offset, length) => new Species(memory, offset, length)
  : (memory, offset, length) => Buffer.from(memory as ArrayBuffer, offset, length);

// What a runtime makes of it is its own affair.
function isClassOfBuffers(species: typeof Species): species is NonNullable<typeof Species> {
  return typeof species === "function" && species.prototype === Buffer.prototype;
}

// The Buffer that was asked for last, mostly one for all: the slab that bytes are received into.
let source: Uint8Array = Buffer.alloc(0);
let sourceMemory: ArrayBufferLike = source.buffer;
let sourceOffset = source.byteOffset;

/** `bytes.subarray(from, to)` as a Buffer, for positions that are within it. */
export function viewOf(bytes: Uint8Array, from: number, to: number): Buffer {
  if (bytes !== source) {
    source = bytes;
    sourceMemory = bytes.buffer;
    sourceOffset = bytes.byteOffset;
  }
  return bufferOver(sourceMemory, sourceOffset + from, to - from);
}
