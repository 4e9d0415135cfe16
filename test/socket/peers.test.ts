import { describe, expect, test } from "vitest";
import { MAX_INTERNED_PEERS_COUNT } from "../../lib/core/limits.ts";
import { toNativeAddress } from "../../lib/socket/address.ts";
import { internedPeers, internPeer } from "../../lib/socket/peers.ts";

function words(a: number, b: number, c: number, port: number): Int32Array {
  const bytes = Uint8Array.of(10, a, b, c);
  return new Int32Array(toNativeAddress({ family: 4, bytes }, port).bytes.buffer);
}

describe("interned peers", () => {
  test("equal addresses are one object, and another port is another peer", () => {
    const peer = internPeer(words(0, 0, 1, 53), 0);
    expect(internPeer(words(0, 0, 1, 53), 0)).toBe(peer);
    expect(internPeer(words(0, 0, 1, 54), 0)).not.toBe(peer);
    expect(peer).toMatchObject({ address: "10.0.0.1", port: 53, family: "IPv4" });
    expect(JSON.parse(JSON.stringify(peer))).toEqual({
      address: "10.0.0.1",
      port: 53,
      family: "IPv4",
    });
  });

  test("B35: a flood of sources is bounded, and who is in use stays", () => {
    const used = words(0, 0, 2, 99);
    const peer = internPeer(used, 0);
    for (let i = 0; i < 3 * MAX_INTERNED_PEERS_COUNT; i++) {
      internPeer(words((i >> 16) & 0xff, (i >> 8) & 0xff, i & 0xff, 7), 0);
      if (i % 1_000 === 0) expect(internPeer(used, 0)).toBe(peer);
    }
    expect(internedPeers()).toBeLessThanOrEqual(MAX_INTERNED_PEERS_COUNT);
  });
});
