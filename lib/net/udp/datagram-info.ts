// What the `data` callback of a flow is told of a datagram besides its bytes. Not here: the public
// type (types.ts), how a completion is read (lib/socket/datagram-record.ts).

import { ecnAt, interfaceAt, timestampAt, truncatedAt } from "../../socket/datagram-record.ts";
import type { Peer } from "../../socket/peers.ts";
import type { DatagramInfo } from "./types.ts";

/**
 * Made for each datagram; the words of addresses are made once for each peer.
 *
 * @param at the datagram's completion, in the turn that brought it
 */
export function datagramInfo(peer: Peer, localAddress: string, at: number): DatagramInfo {
  return {
    address: peer.address,
    port: peer.port,
    family: peer.family,
    localAddress,
    interface: interfaceAt(at),
    truncated: truncatedAt(at),
    ecn: ecnAt(at),
    timestamp: timestampAt(at),
  };
}
