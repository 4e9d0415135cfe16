// Addresses of peers as small objects, interned: equal addresses are one object while they are in
// use, so that steady traffic makes none. Not here: addresses of Unix sockets, whose paths differ
// in length (address.ts).

import { FlatMap } from "../core/flat-map.ts";
import { MAX_INTERNED_PEERS_COUNT } from "../core/limits.ts";
import {
  type AddressFamily,
  FLAT_BYTES,
  readFlatAddress,
  type SocketAddressInfo,
} from "./address.ts";

/** 32-bit words of a flat address. */
export const FLAT_WORDS: number = FLAT_BYTES / 4;

/** The address of a peer, to be kept and given to `send`: quicker than an address in words. */
export class Peer implements SocketAddressInfo {
  /** @internal The flat address (address.ts). Nobody writes to it. */
  readonly words: Int32Array;
  #info: SocketAddressInfo | undefined;

  /** @internal */
  constructor(words: Int32Array) {
    this.words = words;
  }

  get #text(): SocketAddressInfo {
    if (this.#info === undefined) {
      const bytes = new Uint8Array(this.words.buffer, this.words.byteOffset, FLAT_BYTES);
      this.#info = readFlatAddress(bytes) ?? { address: "", family: "IPv4", port: 0 };
    }
    return this.#info;
  }

  /** Without brackets (RFC 5952); a zone follows a link-local one. */
  get address(): string {
    return this.#text.address;
  }

  get port(): number {
    return this.#text.port;
  }

  get family(): AddressFamily {
    return this.#text.family;
  }

  toJSON(): SocketAddressInfo {
    return { address: this.address, family: this.family, port: this.port };
  }
}

// Two halves: what was used since the last change of halves stands in the young one, and the old
// one is dropped whole when that is full. So the last recently used half is always here, and
// forgetting costs nothing.
let young = new FlatMap<Peer>(FLAT_WORDS);
let old = new FlatMap<Peer>(FLAT_WORDS);

/** The one object for the flat address that stands at `at` in `source`. */
export function internPeer(source: Int32Array, at: number): Peer {
  const known = young.get(source, at);
  if (known !== undefined) return known;
  const peer = old.get(source, at) ?? new Peer(source.slice(at, at + FLAT_WORDS));
  if (young.size >= MAX_INTERNED_PEERS_COUNT / 2) {
    old = young;
    young = new FlatMap<Peer>(FLAT_WORDS);
  }
  young.set(source, at, peer);
  return peer;
}

/** How many are interned now; for tests of the bound. */
export function internedPeers(): number {
  return young.size + old.size;
}
