// A listening descriptor that somebody else has opened, for `{ fd }`: what it has to be, and which
// options come too late for it. Not here: what a service manager passes (lib/socket/inherited.ts),
// listening (listen-sockets.ts).

import {
  DOMAIN_IPV4,
  DOMAIN_IPV6,
  DOMAIN_UNIX,
  type Domain,
  SLOT_LISTENER,
  TYPE_SEQPACKET,
} from "../binding/types.ts";
import { codeError, invalidArgValue } from "../errors/index.ts";
import { type AddressFamily, nameOf, type SocketAddressInfo } from "../socket/address.ts";
import { getOption } from "../socket/options.ts";
import { reactor } from "../socket/reactor.ts";
import { adoptDescriptor } from "../socket/socket-base.ts";
import { LISTEN_FIELDS, type ListenParameters } from "./parameters.ts";

const DOMAINS: Readonly<Record<AddressFamily, Domain>> = {
  IPv4: DOMAIN_IPV4,
  IPv6: DOMAIN_IPV6,
  unix: DOMAIN_UNIX,
};

/** What is set before bind(2), or says what to bind; but for `reuseAddr`, a default. */
const TOO_LATE = ["family", "interface", "ipv6Only", "lookup", "reusePort"] as const;

/**
 * A listening descriptor, TCP or Unix: one that a service manager passed (`ListenSocket.inherited`)
 * or that processes share. A duplicate is used, which `close()` closes: `fd` stays the caller's,
 * and the socket listens for as long as anybody has it. It becomes non-blocking for all who share
 * it, and what connections inherit (`noDelay`, `keepAlive`, `socketOptions`) is set for all.
 */
export interface DescriptorEndpoint {
  /** From `listener.fd`, a parent process, or `ListenSocket.inherited()`. */
  readonly fd: number;
  /** `"tls"`: TLS over what it accepts. */
  readonly transport?: "tls" | undefined;
}

export interface AdoptedListener {
  readonly slot: number;
  readonly generation: number;
  readonly domain: Domain;
  readonly address: SocketAddressInfo;
}

/** @throws TypeError for an option that a bound socket cannot have */
export function requireForBound(parameters: ListenParameters): void {
  for (const key of TOO_LATE) {
    if (parameters[key] === LISTEN_FIELDS[key].initial) continue;
    throw invalidArgValue(
      key,
      "must be left out with { fd }: it is bound already",
      parameters[key],
    );
  }
}

/**
 * A duplicate of a descriptor, in a slot.
 *
 * @throws HawserError: EBADF, ENOTSOCK, EPROTOTYPE (no stream socket), EINVAL (it does not listen),
 *   EMFILE
 */
export function adoptListening(fd: number): AdoptedListener {
  const { slot, generation } = adoptDescriptor(fd, SLOT_LISTENER);
  try {
    // What it accepts keeps the bounds of messages, which a stream does not have.
    if (getOption({ fd: reactor.descriptorOf(slot, generation) }, "SO_TYPE") === TYPE_SEQPACKET) {
      throw codeError("EPROTOTYPE", "getsockopt", { address: `fd:${fd}` });
    }
    const name = nameOf(reactor, slot, generation, false);
    const address = Object.freeze(name ?? { address: "", family: "unix" as const, port: 0 });
    return { slot, generation, domain: DOMAINS[address.family], address };
  } catch (error) {
    reactor.close(slot, generation, false);
    throw error;
  }
}
