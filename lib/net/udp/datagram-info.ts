// What the `data` callback of a flow is told of a datagram besides its bytes. Not here: the public
// type (types.ts), how a completion is read (lib/socket/datagram-record.ts).

import type { AddressFamily } from "../../socket/address.ts";
import {
  type Ecn,
  ecnAt,
  interfaceAt,
  timestampAt,
  truncatedAt,
} from "../../socket/datagram-record.ts";
import type { Peer } from "../../socket/peers.ts";
import type { DatagramInfo } from "./types.ts";

/** Made for each datagram, so what is costly is asked for when somebody looks. */
export class FlowDatagramInfo implements DatagramInfo {
  readonly localAddress: string;
  readonly interface: number | null;
  readonly truncated: boolean;
  readonly ecn: Ecn | null;
  readonly timestamp: number | null;
  readonly #peer: Peer;

  /** @param at the datagram's completion, in the turn that brought it */
  constructor(peer: Peer, localAddress: string, at: number) {
    this.#peer = peer;
    this.localAddress = localAddress;
    this.interface = interfaceAt(at);
    this.truncated = truncatedAt(at);
    this.ecn = ecnAt(at);
    this.timestamp = timestampAt(at);
  }

  get address(): string {
    return this.#peer.address;
  }

  get port(): number {
    return this.#peer.port;
  }

  get family(): AddressFamily {
    return this.#peer.family;
  }
}
