import { describe, expect, test } from "vitest";
import type { UdpFlow } from "../../../lib/net/udp/flow.ts";
import { FlowTable } from "../../../lib/net/udp/flow-table.ts";
import { FLOW_KEY_WORDS } from "../../../lib/socket/datagram-record.ts";

const key = (peer: number, local = 1): Int32Array => {
  const words = new Int32Array(FLOW_KEY_WORDS);
  words[0] = peer;
  words[FLOW_KEY_WORDS - 4] = local;
  return words;
};

const flow = (isAnswered = false): UdpFlow => ({ keys: [], isAnswered }) as unknown as UdpFlow;

describe("flow table", () => {
  test("B33: a peer is found by the address of ours that it sends to, and by itself", () => {
    const table = new FlowTable(100);
    const [first, second] = [flow(), flow()];
    table.add(first, key(7, 1));
    table.add(second, key(7, 2));
    expect(table.find(key(7, 1))).toBe(first);
    expect(table.find(key(7, 2))).toBe(second);
    expect(table.find(key(7, 3))).toBeUndefined();
    expect(table.findPeer(key(7))).toBe(second);
    table.delete(second);
    expect(table.find(key(7, 2))).toBeUndefined();
    expect(table.findPeer(key(7))).toBeUndefined();
    expect(table.flows.size).toBe(1);
  });

  test("aliases find the flow, are few, and go with it", () => {
    const table = new FlowTable(100);
    const one = flow();
    table.add(one, key(7, 1));
    for (let local = 2; local < 50; local++) table.addAlias(one, key(7, local));
    expect(table.find(key(7, 2))).toBe(one);
    expect(one.keys.length).toBeLessThan(12);
    table.delete(one);
    for (let local = 1; local < 50; local++) expect(table.find(key(7, local))).toBeUndefined();
  });

  test("B35: who was never answered has a quarter of the room, and the oldest of them goes", () => {
    const table = new FlowTable(8);
    const evicted: UdpFlow[] = [];
    const evict = (one: UdpFlow) => {
      evicted.push(one);
      table.delete(one);
    };
    const unanswered = [flow(), flow(), flow()];
    unanswered.forEach((one, index) => {
      expect(table.makeRoom(false, evict)).toBe(true);
      table.add(one, key(index));
    });
    expect(evicted).toEqual([unanswered[0]]);
    // Six answered ones fill the rest; the seventh takes the place of one that was not.
    for (let index = 10; index < 17; index++) {
      expect(table.makeRoom(true, evict)).toBe(true);
      table.add(flow(true), key(index));
    }
    expect(evicted).toEqual([unanswered[0], unanswered[1]]);
    expect(table.makeRoom(true, evict)).toBe(true);
    table.add(flow(true), key(17));
    expect(table.makeRoom(true, evict)).toBe(false);
    expect(table.makeRoom(false, evict)).toBe(false);
    expect(table.flows.size).toBe(8);
  });

  test("who is answered is safe from then on", () => {
    const table = new FlowTable(4);
    const one = flow();
    table.add(one, key(1));
    table.answered(one);
    const evicted: UdpFlow[] = [];
    table.add(flow(), key(2));
    expect(table.makeRoom(false, (gone) => evicted.push(gone))).toBe(true);
    expect(evicted).toHaveLength(1);
    expect(evicted[0]).not.toBe(one);
  });

  test("B35: whoever was never answered and is the longest there goes, whatever came in between", () => {
    const table = new FlowTable(16);
    const evicted: number[] = [];
    const flows = new Map<UdpFlow, number>();
    const make = (number: number) => {
      const hasRoom = table.makeRoom(false, (one) => {
        evicted.push(flows.get(one) ?? -1);
        table.delete(one);
      });
      expect(hasRoom).toBe(true);
      const one = flow();
      flows.set(one, number);
      table.add(one, key(number));
      return one;
    };
    const made = Array.from({ length: 4 }, (_, number) => make(number));
    // One is answered, one closed by itself: neither is there to go.
    table.answered(made[0] as UdpFlow);
    table.delete(made[2] as UdpFlow);
    for (let number = 4; number < 8; number++) make(number);
    expect(evicted).toEqual([1, 3]);
    // All go by themselves, and others come.
    for (const one of [...table.flows]) if (one !== made[0]) table.delete(one);
    for (let number = 8; number < 14; number++) make(number);
    expect(evicted).toEqual([1, 3, 8, 9]);
    expect(table.find(key(0))).toBe(made[0]);
  });
});
