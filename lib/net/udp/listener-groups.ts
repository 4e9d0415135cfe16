// The groups that a listener has joined on its ports: who hears a datagram, and with what options
// one leaves that goes to a group. Not here: one group (group.ts), flows (listener.ts).

import { DOMAIN_IPV4, DOMAIN_IPV6 } from "../../binding/types.ts";
import { codeError, requireObject } from "../../errors/index.ts";
import type { Peer } from "../../socket/peers.ts";
import { DatagramGroup, type GroupOptions } from "./group.ts";
import type { MulticastMode } from "./multicast-modes.ts";
import type { UdpPort } from "./port.ts";

export class ListenerGroups {
  readonly #groups = new Set<DatagramGroup>();

  get isEmpty(): boolean {
    return this.#groups.size === 0;
  }

  /** @throws what `listener.group()` throws */
  join(ports: readonly UdpPort[], options: GroupOptions): DatagramGroup {
    const { address } = requireObject(options, "options");
    const isIpv6 = typeof address === "string" && address.includes(":");
    const port = ports.find((one) => one.takes(isIpv6 ? DOMAIN_IPV6 : DOMAIN_IPV4));
    if (port === undefined) throw codeError("EAFNOSUPPORT", "setsockopt");
    const group = new DatagramGroup(port, options, () => {
      this.#groups.delete(group);
      return Promise.resolve();
    });
    this.#groups.add(group);
    return group;
  }

  /** Whether a datagram is a group's; then it has it. */
  deliver(offset: number, length: number, at: number): boolean {
    let isTaken = false;
    for (const group of this.#groups) isTaken = group.deliver(offset, length, at) || isTaken;
    return isTaken;
  }

  /** What has to be in force for what goes to a group; undefined where nothing was ever changed. */
  modeTo(port: UdpPort, peer: Peer): MulticastMode | undefined {
    const modes = port.changedModes(peer.family);
    if (modes === undefined) return undefined;
    for (const one of this.#groups) if (one.address === peer.address) return one.mode;
    return modes.own;
  }

  leaveAll(): void {
    for (const group of [...this.#groups]) void group.leave();
  }
}
