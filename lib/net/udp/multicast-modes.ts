// The options of a socket for what it sends to groups. They are the socket's and not a datagram's,
// so where groups of one socket want different ones, they are changed between what those send. Not
// here: who sends (group.ts), that what was given before leaves before (datagram-outbox.ts).

import { HawserError } from "../../errors/index.ts";
import type { SendMode } from "../../socket/datagram-outbox.ts";
import { applyOptions, assign, getOption } from "../../socket/options.ts";

const NAMES = {
  IPv4: { ttl: "IP_MULTICAST_TTL", loopback: "IP_MULTICAST_LOOP" },
  IPv6: { ttl: "IPV6_MULTICAST_HOPS", loopback: "IPV6_MULTICAST_LOOP" },
} as const;

/** TTL or hop limit, and whether this host's members hear what is sent. */
export class MulticastMode implements SendMode {
  readonly ttl: number;
  readonly loopback: boolean;
  readonly #modes: MulticastModes;

  constructor(modes: MulticastModes, ttl: number, loopback: boolean) {
    this.#modes = modes;
    this.ttl = ttl;
    this.loopback = loopback;
  }

  get isInForce(): boolean {
    return this.#modes.inForce === this;
  }

  enter(): number {
    return this.#modes.enter(this);
  }
}

/** Those of one socket and family. */
export class MulticastModes {
  /** What was in force before the first group: of `socketOptions`, or the system's defaults. */
  readonly own: MulticastMode;
  #inForce: MulticastMode;
  readonly #socket: { readonly fd: number };
  readonly #names: (typeof NAMES)["IPv4" | "IPv6"];
  readonly #known: MulticastMode[];

  /** @throws HawserError of getsockopt(2) */
  constructor(socket: { readonly fd: number }, family: "IPv4" | "IPv6") {
    this.#socket = socket;
    this.#names = NAMES[family];
    const { ttl, loopback } = this.#names;
    this.own = new MulticastMode(this, getOption(socket, ttl), getOption(socket, loopback));
    this.#known = [this.own];
    this.#inForce = this.own;
  }

  get inForce(): MulticastMode {
    return this.#inForce;
  }

  /** The one mode with these values. */
  of(ttl: number, loopback: boolean): MulticastMode {
    let mode = this.#known.find((one) => one.ttl === ttl && one.loopback === loopback);
    if (mode === undefined) {
      mode = new MulticastMode(this, ttl, loopback);
      this.#known.push(mode);
    }
    return mode;
  }

  /** Sets the options. 0, or the negative errno of setsockopt(2). */
  enter(mode: MulticastMode): number {
    const { ttl, loopback } = this.#names;
    try {
      applyOptions(this.#socket.fd, [assign(ttl, mode.ttl), assign(loopback, mode.loopback)]);
    } catch (error) {
      if (error instanceof HawserError && error.errno !== undefined) return error.errno;
      throw error;
    }
    this.#inForce = mode;
    return 0;
  }
}
