import { networkInterfaces } from "node:os";
import fc from "fast-check";
import { expect, test } from "vitest";
import { native } from "../../lib/binding/native.ts";
import { decodeInterfaces, listInterfaces, listOrThrow } from "../../lib/socket/interfaces.ts";

test("the interfaces of this host, with the addresses that Node sees too", () => {
  const list = listInterfaces();
  const loopback = list.find(({ loopback: is }) => is);
  expect(loopback).toMatchObject({
    kind: "loopback",
    up: true,
    running: true,
    broadcast: false,
    pointToPoint: false,
    hardwareAddress: null,
  });
  expect(loopback?.mtuBytes).toBeGreaterThanOrEqual(1_500);
  expect(loopback?.addresses).toContainEqual({
    address: "127.0.0.1",
    family: "IPv4",
    prefixLength: 8,
    broadcastAddress: null,
    scope: "host",
    state: "preferred",
  });
  for (const [name, addresses = []] of Object.entries(networkInterfaces())) {
    const own = list.find((one) => one.name === name);
    const known = own?.addresses.map(({ address }) => address.split("%")[0]);
    for (const { address, mac } of addresses) {
      expect(known).toContain(address);
      if (own?.hardwareAddress !== null) expect(own?.hardwareAddress).toBe(mac);
    }
  }
  const indexes = list.map(({ index }) => index);
  expect(new Set(indexes).size).toBe(list.length);
  expect(indexes).toEqual(indexes.toSorted((one, other) => one - other));
});

test("a list and what is in it cannot be changed", () => {
  const [first] = listInterfaces();
  expect(Object.isFrozen(first)).toBe(true);
  expect(Object.isFrozen(first?.addresses)).toBe(true);
});

// One record of each sort, as native/socket/networks.h lays them out.
function linkRecord(index: number, name: string, kind: number, hardware: readonly number[] = []) {
  const record = Buffer.alloc(52);
  record.write(name, 0);
  const view = new DataView(record.buffer, record.byteOffset);
  view.setInt32(16, index, true);
  view.setInt32(20, 1 | 8 | 32, true);
  view.setInt32(24, 1_400, true);
  record[28] = kind;
  record[29] = hardware.length;
  record.set(hardware, 30);
  return record;
}

function addressRecord(index: number, bytes: readonly number[], scope: number, states: number[]) {
  const record = Buffer.alloc(56);
  record.set(bytes, 0);
  record.writeUInt32LE(scope, 16);
  record[22] = bytes.length === 4 ? 4 : 6;
  record.writeInt32LE(index, 48);
  record.set([64, ...states], 52);
  return record;
}

const LINK_LOCAL = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

test("records become interfaces by index, each with its addresses", () => {
  const links = Buffer.concat([
    linkRecord(7, "wg0", 3),
    linkRecord(2, "fifteen-letters", 0, [2, 0, 0x5e, 0, 0, 255]),
  ]);
  const addresses = Buffer.concat([
    addressRecord(7, LINK_LOCAL, 7, [2, 1]),
    addressRecord(2, [192, 0, 2, 1], 0, [0, 2]),
    addressRecord(9, [192, 0, 2, 9], 0, [0, 0]),
  ]);
  const [first, second, ...others] = decodeInterfaces(links, addresses);
  expect(others).toEqual([]);
  expect(first).toEqual({
    index: 2,
    name: "fifteen-letters",
    kind: "wired",
    up: true,
    running: false,
    loopback: false,
    broadcast: true,
    multicast: false,
    pointToPoint: true,
    mtuBytes: 1_400,
    hardwareAddress: "02:00:5e:00:00:ff",
    addresses: [
      {
        address: "192.0.2.1",
        family: "IPv4",
        prefixLength: 64,
        broadcastAddress: null,
        scope: "global",
        state: "deprecated",
      },
    ],
  });
  expect(second).toMatchObject({ name: "wg0", kind: "tunnel", hardwareAddress: null });
  expect(second?.addresses).toMatchObject([
    { address: "fe80::1%wg0", family: "IPv6", scope: "link", state: "tentative" },
  ]);
});

test("a record that was cut is left out", () => {
  const links = Buffer.concat([linkRecord(1, "lo", 1), linkRecord(2, "eth0", 0).subarray(0, 51)]);
  expect(decodeInterfaces(links, new Uint8Array(55)).map(({ name }) => name)).toEqual(["lo"]);
});

test("a list that could not be made is an error of its number", () => {
  const refusal = expect.objectContaining({ code: "EPERM", syscall: "socket" });
  expect(() => listOrThrow(-1)).toThrow(refusal);
});

test("the addon refuses what is no question for a route", () => {
  const flat = new Uint8Array(24);
  const answer = new Uint8Array(60);
  const questions: unknown[][] = [
    [],
    [flat, undefined, 0, new Uint8Array(59)],
    [new Uint8Array(23), undefined, 0, answer],
    [flat, new Uint8Array(1), 0, answer],
    [flat, undefined, -1, answer],
    [flat, undefined, 0.5, answer],
    [undefined, undefined, 0, answer],
    ["127.0.0.1", undefined, 0, answer],
  ];
  const route = native.route as (...all: unknown[]) => number;
  for (const all of questions) expect(route(...all)).toBeLessThan(0);
});

test("records of any bytes are read without harm", () => {
  const bytes = (record: number) =>
    fc.uint8Array({ maxLength: 4 * record }).map((some) => Buffer.from(some));
  fc.assert(
    fc.property(bytes(52), bytes(56), (links, addresses) => {
      const list = decodeInterfaces(links, addresses);
      expect(list).toHaveLength(Math.floor(links.length / 52));
      for (const { name } of list) expect(name.length).toBeLessThanOrEqual(16);
    }),
  );
});
