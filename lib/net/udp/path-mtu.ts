// The largest datagram for a destination, as far as the kernel knows: IP_MTU needs a connected
// socket (ip(7)), so there is one helper for each family, asked lazily. Also the source address
// that the kernel would choose. Not here: what is done with a datagram that is too large.

import { HawserError } from "../../errors/index.ts";
import type { SocketAddressInfo } from "../../socket/address.ts";
import { DatagramSocket } from "../../socket/datagram-socket.ts";
import { listInterfaces } from "../../socket/interfaces.ts";
import type { Peer } from "../../socket/peers.ts";

const UDP_HEADER_BYTES = 8;
const IPV4_HEADER_BYTES = 20;
const IPV6_HEADER_BYTES = 40;
/** The largest payload (RFC 768), which a loopback interface's MTU may exceed. */
const MAX_PAYLOAD = { IPv4: 65_507, IPv6: 65_527 } as const;
/** IPv4: every host takes 576 bytes (RFC 791); IPv6: every link has 1,280 (RFC 8200 section 5). */
const LEAST_MTU = { IPv4: 576, IPv6: 1_280 } as const;

/** Bytes of payload. Where there is no way there now, what every path takes. */
export function maxDatagramSizeTo(peer: Peer): number {
  const family = peer.family === "IPv6" ? "IPv6" : "IPv4";
  const header = family === "IPv6" ? IPV6_HEADER_BYTES : IPV4_HEADER_BYTES;
  return Math.min(knownMtuTo(peer, family) - header - UDP_HEADER_BYTES, MAX_PAYLOAD[family]);
}

function knownMtuTo(peer: Peer, family: "IPv4" | "IPv6"): number {
  try {
    return mtuTo(peer, family);
  } catch (error) {
    if (error instanceof HawserError) return LEAST_MTU[family];
    throw error;
  }
}

function mtuTo(peer: Peer, family: "IPv4" | "IPv6"): number {
  return asking(peer, family, (helper) => {
    if (process.platform === "linux") {
      return helper.getOption(family === "IPv6" ? "IPV6_MTU" : "IP_MTU") as number;
    }
    const source = helper.localAddress?.address;
    const owner = listInterfaces().find((one) =>
      one.addresses.some(({ address }) => address === source),
    );
    return owner?.mtuBytes ?? LEAST_MTU[family];
  });
}

/**
 * The source address that datagrams to a peer leave with.
 *
 * @param bound where the socket is bound; any address leaves the choice to the kernel
 * @throws HawserError of connect(2)
 */
export function sourceTo(peer: Peer, bound: string): string {
  if (bound !== "::" && bound !== "0.0.0.0") return bound;
  const family = peer.family === "IPv6" ? "IPv6" : "IPv4";
  return asking(peer, family, (helper) => (helper.localAddress as SocketAddressInfo).address);
}

// A new one for each question: a socket that was connected keeps the source address of its first
// peer. Nothing is sent.
function asking<R>(peer: Peer, family: "IPv4" | "IPv6", ask: (helper: DatagramSocket) => R): R {
  const helper = new DatagramSocket({ family, broadcast: true });
  try {
    // The discard port, where the peer has none.
    const { address, port } = peer;
    helper.connect({ address, port: port === 0 ? 9 : port });
    return ask(helper);
  } finally {
    void helper.close();
  }
}
