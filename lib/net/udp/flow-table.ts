// The flows of one listener: found by who sends to which of our addresses (B33), bounded, with a
// rule who goes when there is no room (B35). Not here: what a flow does.

import { FlatMap } from "../../core/flat-map.ts";
import { FLOWS_PER_UNANSWERED_COUNT, MAX_FLOW_ALIASES_COUNT } from "../../core/limits.ts";
import { FLOW_KEY_WORDS } from "../../socket/datagram-record.ts";
import { FLAT_WORDS } from "../../socket/peers.ts";
import type { UdpFlow } from "./flow.ts";

export class FlowTable {
  readonly #byKey = new FlatMap<UdpFlow>(FLOW_KEY_WORDS);
  /** The youngest flow of each peer: what ICMP says names no address of ours. */
  readonly #byPeer = new FlatMap<UdpFlow>(FLAT_WORDS);
  readonly #all = new Set<UdpFlow>();
  /** In the order in which they came. */
  readonly #unanswered = new Set<UdpFlow>();
  /**
   * Goes on where it was: looking for the first from the beginning would pass all that were deleted
   * since the set was last packed.
   */
  #byAge = this.#unanswered.values();
  readonly #most: number;
  readonly #mostUnanswered: number;

  constructor(maxFlows: number) {
    this.#most = maxFlows;
    this.#mostUnanswered = Math.max(1, Math.floor(maxFlows / FLOWS_PER_UNANSWERED_COUNT));
  }

  get flows(): Iterable<UdpFlow> & { readonly size: number } {
    return this.#all;
  }

  find(key: Int32Array): UdpFlow | undefined {
    return this.#byKey.get(key, 0);
  }

  findPeer(peer: Int32Array): UdpFlow | undefined {
    return this.#byPeer.get(peer, 0);
  }

  /**
   * Whether another flow may be made; `evict` is called with the one that has to go for it. One
   * that was answered never goes.
   */
  makeRoom(isAnswered: boolean, evict: (flow: UdpFlow) => void): boolean {
    const isFull = this.#all.size >= this.#most;
    const hasOwnRoom = isAnswered || this.#unanswered.size < this.#mostUnanswered;
    if (!isFull && hasOwnRoom) return true;
    const oldest = this.#oldest();
    if (oldest === undefined) return false;
    evict(oldest);
    return true;
  }

  // Each is given once, and is gone then.
  #oldest(): UdpFlow | undefined {
    const { value, done } = this.#byAge.next();
    if (!done) return value;
    this.#byAge = this.#unanswered.values();
    return this.#byAge.next().value;
  }

  add(flow: UdpFlow, key: Int32Array): void {
    this.#all.add(flow);
    if (!flow.isAnswered) this.#unanswered.add(flow);
    this.#link(flow, key);
    this.#byPeer.set(key, 0, flow);
  }

  /** Another address that the same peer sends to for this flow: a group's or a broadcast one. */
  addAlias(flow: UdpFlow, key: Int32Array): void {
    if (flow.keys.length <= MAX_FLOW_ALIASES_COUNT) this.#link(flow, key);
  }

  #link(flow: UdpFlow, key: Int32Array): void {
    const own = key.slice();
    flow.keys.push(own);
    this.#byKey.set(own, 0, flow);
  }

  answered(flow: UdpFlow): void {
    this.#unanswered.delete(flow);
  }

  delete(flow: UdpFlow): void {
    this.#all.delete(flow);
    this.#unanswered.delete(flow);
    for (const key of flow.keys) {
      if (this.#byKey.get(key, 0) === flow) this.#byKey.delete(key, 0);
      if (this.#byPeer.get(key, 0) === flow) this.#byPeer.delete(key, 0);
    }
    flow.keys.length = 0;
  }
}
