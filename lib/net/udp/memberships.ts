// On which interfaces a group is joined, and that it stays so while interfaces come and go. Not
// here: what a group sends and receives (group.ts), how changes become known (lib/net/paths).

import { codeError, errnoError, errnoOf, HawserError } from "../../errors/index.ts";
import { interfaceIndex, requireIterable } from "../../socket/datagram-many.ts";
import { listInterfaces, type NetworkInterface } from "../../socket/interfaces.ts";
import { FLAT_WORDS, type Peer } from "../../socket/peers.ts";
import { reactor } from "../../socket/reactor.ts";
import type { PathChange } from "../paths/types.ts";
import { type PathObserver, type PathWatch, watchPaths } from "../paths/watch.ts";
import type { UdpPort } from "./port.ts";

const EADDRINUSE = errnoOf("EADDRINUSE") as number;

export class Memberships implements PathObserver {
  readonly #port: UdpPort;
  readonly #group: Uint8Array;
  readonly #groupAddress: string;
  readonly #source: Uint8Array | undefined;
  /** What was asked for; undefined is every interface that is up and does multicast. */
  readonly #chosen: readonly (string | number)[] | undefined;
  #joined: NetworkInterface[] = [];
  #watch: PathWatch | null = null;

  /**
   * Joins.
   *
   * @throws TypeError for what is no list of interfaces; HawserError: ENODEV, ENOBUFS and the rest
   *   of setsockopt(2)
   */
  constructor(port: UdpPort, group: Peer, source: Peer | null, chosen: unknown) {
    this.#port = port;
    this.#group = bytesOf(group);
    this.#groupAddress = group.address;
    this.#source = source === null ? undefined : bytesOf(source);
    this.#chosen =
      chosen === undefined
        ? undefined
        : (Array.from(requireIterable(chosen, "options.interfaces")) as (string | number)[]);
    this.#watch = watchIfPossible(this);
    try {
      this.#joinFirst();
    } catch (error) {
      this.leave();
      throw error;
    }
  }

  #joinFirst(): void {
    const all = this.#watch?.snapshot.interfaces ?? listInterfaces();
    for (const one of this.#chosen ?? []) {
      const index = interfaceIndex(one, "options.interfaces");
      const found = all.find((known) => known.index === index);
      if (found === undefined) throw codeError("ENODEV", "setsockopt", { address: String(one) });
      if (this.has(index)) continue;
      const status = this.#joinNew(found);
      if (status < 0) throw errnoError(status, "setsockopt", { address: this.#groupAddress });
    }
    for (const one of this.#chosen === undefined ? all : []) {
      if (this.#isWanted(one)) this.#joinNew(one);
    }
    if (this.#joined.length === 0) {
      throw codeError("ENODEV", "setsockopt", { address: this.#groupAddress });
    }
  }

  /** Those on which it is joined now. */
  get joined(): readonly NetworkInterface[] {
    return this.#joined;
  }

  has(index: number | null): boolean {
    return this.#joined.some((one) => one.index === index);
  }

  /** @internal Of the watch. */
  changed({ snapshot }: PathChange): void {
    this.#follow(snapshot.interfaces);
  }

  // One that is gone, or down, is left: the kernel counts a membership until it is (ip(7),
  // igmp_max_memberships), and nothing can be sent through it. It is joined when it is back.
  #follow(all: readonly NetworkInterface[]): void {
    const wanted = all.filter((one) => this.#isWanted(one));
    for (const one of this.#joined) {
      if (!wanted.some(({ index }) => index === one.index)) this.#change(one.index, false);
    }
    const before = this.#joined;
    this.#joined = [];
    for (const one of wanted) {
      if (before.some(({ index }) => index === one.index)) this.#joined.push(one);
      else this.#join(one);
    }
  }

  #isWanted({ index, name, up, multicast }: NetworkInterface): boolean {
    if (this.#chosen === undefined) return up && multicast;
    return up && this.#chosen.some((one) => one === index || one === name);
  }

  // A socket has one membership for each group and interface: where another group of this port has
  // it, this one would lose it with that, and take it away when it leaves.
  #joinNew(one: NetworkInterface): number {
    const status = this.#change(one.index, true);
    if (status === 0) this.#joined.push(one);
    else if (status === EADDRINUSE) {
      throw errnoError(status, "setsockopt", { address: this.#groupAddress });
    }
    return status;
  }

  #join(one: NetworkInterface): void {
    const status = this.#change(one.index, true);
    // One that was away for a moment: the kernel has kept it.
    if (status === 0 || status === EADDRINUSE) this.#joined.push(one);
  }

  #change(index: number, join: boolean): number {
    const [slot, generation] = this.#port.slotName;
    return reactor.changeMembership(slot, generation, this.#group, this.#source, index, join);
  }

  /** Leaves on all of them, for good. */
  leave(): void {
    this.#watch?.stop();
    this.#watch = null;
    for (const { index } of this.#joined.splice(0)) this.#change(index, false);
  }
}

// Where the system does not tell of changes, the group stays where it was joined.
function watchIfPossible(observer: PathObserver): PathWatch | null {
  try {
    return watchPaths(observer);
  } catch (error) {
    if (!(error instanceof HawserError)) throw error;
    return null;
  }
}

function bytesOf({ words }: Peer): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, FLAT_WORDS * 4);
}
