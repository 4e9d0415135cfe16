// Datagrams that belong to no flow: how one is sent from a listener's port. Not here: flows
// (flow.ts), those that arrive (listener.ts).

import { bytesOf, type SendData } from "../../core/byte-stream.ts";
import { quiet } from "../../core/send-waiters.ts";
import { codeError, errnoError } from "../../errors/index.ts";
import { interfaceIndex, localWords, ManySent, peerWords } from "../../socket/datagram-many.ts";
import { internPeer, Peer } from "../../socket/peers.ts";
import { answeringAddress } from "./local-addresses.ts";
import type { UdpPort } from "./port.ts";
import type { UdpDestination } from "./types.ts";

/**
 * Sends one; resolves when the kernel has taken it.
 *
 * @param ports of the listener; empty where it is closed
 */
export function sendStray(
  ports: readonly UdpPort[],
  data: SendData,
  to: Peer | UdpDestination,
): Promise<void> {
  const bytes = bytesOf(data);
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
  const port = ports.find((one) => one.domain >= (peer.family === "IPv6" ? 6 : 4));
  if (port === undefined) return refused("EAFNOSUPPORT");
  const sent = new ManySent((errno) => errnoError(errno, "sendmsg", place));
  const route = { to: peer.words, local: source, interface: index, trafficClass: 0 };
  port.outbox.push(bytes, 0, route, sent);
  port.outbox.tell(sent);
  return sent.promise;
}
