import { networkInterfaces } from "node:os";
import { expect, test } from "vitest";
import { listInterfaces } from "../../lib/socket/interfaces.ts";

test("the interfaces of this host, with the addresses that Node sees too", () => {
  const list = listInterfaces();
  const loopback = list.find(({ loopback: is }) => is);
  expect(loopback).toMatchObject({ up: true, running: true, broadcast: false });
  expect(loopback?.mtuBytes).toBeGreaterThanOrEqual(1_500);
  expect(loopback?.addresses).toContainEqual({
    address: "127.0.0.1",
    family: "IPv4",
    prefixLength: 8,
    broadcastAddress: null,
  });
  for (const [name, addresses = []] of Object.entries(networkInterfaces())) {
    const own = list.find((one) => one.name === name);
    const known = own?.addresses.map(({ address }) => address.split("%")[0]);
    for (const { address } of addresses) expect(known).toContain(address);
  }
  expect(new Set(list.map(({ index }) => index)).size).toBe(list.length);
});
