// Datagrams that belong to no flow: how one is sent from a listener's port. Not here: flows
// (flow.ts), those that arrive (listener.ts).

import { DOMAIN_IPV4, DOMAIN_IPV6 } from "../../binding/types.ts";
import { bytesOf, type SendData } from "../../core/byte-stream.ts";
import { quiet } from "../../core/send-waiters.ts";
import { codeError, errnoError, requireObject } from "../../errors/index.ts";
import { interfaceIndex, localWords, ManySent, peerWords } from "../../socket/datagram-many.ts";
import type { SendMode } from "../../socket/datagram-outbox.ts";
import { internPeer, Peer } from "../../socket/peers.ts";
import { answeringAddress } from "./local-addresses.ts";
import type { UdpPort } from "./port.ts";
import type { UdpDestination } from "./types.ts";

/**
 * Sends one; resolves when the kernel has taken it.
 *
 * @param ports of the listener; empty where it is closed
 * @param modeTo what has to be in force for it
 */
export function sendStray(
  ports: readonly UdpPort[],
  data: SendData,
  to: Peer | UdpDestination,
  modeTo: (port: UdpPort, peer: Peer) => SendMode | undefined,
): Promise<void> {
  const bytes = bytesOf(data);
  requireObject(to, "to");
  const { address, port: number } = to;
  const words = to instanceof Peer ? to.words : peerWords({ address, port: number }, "send()");
  const peer = internPeer(words, 0);
  const { localAddress, interface: chosen } = to as UdpDestination;
  const index = chosen == null ? 0 : interfaceIndex(chosen, "interface");
  const source =
    localAddress == null
      ? null
      : answeringAddress(internPeer(localWords(localAddress, "localAddress"), 0), index).words;
  const place = { address: peer.address, port: peer.port };
  const refused = (code: string) => quiet(Promise.reject(codeError(code, "sendmsg", place)));
  if (ports.length === 0) return refused("EPIPE");
  const port = ports.find((one) => one.takes(peer.family === "IPv6" ? DOMAIN_IPV6 : DOMAIN_IPV4));
  if (port === undefined) return refused("EAFNOSUPPORT");
  const failure = (errno: number) => errnoError(errno, "sendmsg", place);
  const sent = new ManySent(failure, modeTo(port, peer));
  const route = { to: peer.words, local: source, interface: index, trafficClass: 0 };
  port.outbox.pushIn(bytes, route, sent);
  port.outbox.tell(sent);
  return sent.promise;
}
