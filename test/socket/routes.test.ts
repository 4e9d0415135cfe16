import { expect, test } from "vitest";
import { parseAddress } from "../../lib/core/address.ts";
import { toNativeAddress } from "../../lib/socket/address.ts";
import { listInterfaces } from "../../lib/socket/interfaces.ts";
import { counters } from "../../lib/socket/reactor.ts";
import {
  askRoute,
  ChangeChannel,
  decodeDefaultRoutes,
  readDefaultRoutes,
} from "../../lib/socket/routes.ts";

const flat = (text: string) => {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(text);
  return toNativeAddress(address, 0).bytes;
};

function record(family: 4 | 6, gateway: readonly number[], index: number, metric: number): Buffer {
  const bytes = Buffer.alloc(36);
  bytes.set(gateway);
  if (gateway.length > 0) bytes[22] = gateway.length === 4 ? 4 : 6;
  bytes.writeInt32LE(index, 24);
  bytes.writeUInt32LE(metric, 28);
  bytes[32] = family;
  return bytes;
}

test("default routes from their records: IPv4 first, then by metric", () => {
  const records = Buffer.concat([
    record(6, [], 4, 1_024),
    record(4, [192, 0, 2, 1], 2, 4_294_967_295),
    record(4, [192, 0, 2, 2], 3, 50),
    record(4, [192, 0, 2, 3], 3, 50),
    Buffer.alloc(35),
  ]);
  expect(decodeDefaultRoutes(records)).toEqual([
    { family: "IPv4", gateway: "192.0.2.2", interface: 3, metric: 50 },
    { family: "IPv4", gateway: "192.0.2.3", interface: 3, metric: 50 },
    { family: "IPv4", gateway: "192.0.2.1", interface: 2, metric: 4_294_967_295 },
    { family: "IPv6", gateway: null, interface: 4, metric: 1_024 },
  ]);
});

test("the default routes of this host lead through interfaces of it", () => {
  const indexes = listInterfaces().map(({ index }) => index);
  for (const route of decodeDefaultRoutes(readDefaultRoutes())) {
    expect(indexes).toContain(route.interface);
  }
});

test("an address of this host is reached through loopback, and is local", () => {
  const loopback = listInterfaces().find(({ kind }) => kind === "loopback");
  expect(askRoute(flat("127.0.0.1"), undefined, 0)).toEqual({
    source: "127.0.0.1",
    gateway: null,
    interface: loopback?.index,
    mtuBytes: null,
    local: true,
  });
});

test("a question that the kernel refuses has its errno", () => {
  expect(askRoute(flat("127.0.0.1"), flat("203.0.113.77"), 0)).toBeLessThan(0);
  expect(askRoute(flat("127.0.0.1"), flat("::1"), 0)).toBeLessThan(0);
});

test("a channel for changes has a slot, which it gives back once", () => {
  const before = counters().openSlots;
  const channel = new ChangeChannel(() => {});
  expect(channel.fd).toBeGreaterThanOrEqual(0);
  expect(counters().openSlots).toBe(before + 1);
  channel.close();
  channel.close();
  channel.setReferenced(true);
  expect(channel.fd).toBeLessThan(0);
  expect(counters().openSlots).toBe(before);
});
