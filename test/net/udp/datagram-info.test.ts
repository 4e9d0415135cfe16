// What the `data` callback is told of a datagram.

import { expect, test } from "vitest";
import { connect, listen } from "../../../lib/index.ts";
import { turnTime } from "../../../lib/net/udp/turn-time.ts";
import type { DatagramInfo } from "../../../lib/net/udp/types.ts";
import { DatagramSocket } from "../../../lib/socket/datagram-socket.ts";

async function heard(send: (port: number) => Promise<void>): Promise<DatagramInfo> {
  let tell: (info: DatagramInfo) => void = () => {};
  const told = new Promise<DatagramInfo>((resolve) => {
    tell = resolve;
  });
  const listener = await listen("udp://[::]:0", { data: (_, __, info) => tell(info) });
  await send(listener.port);
  const info = await told;
  await listener.close();
  return info;
}

test.each([
  ["IPv4", "127.0.0.1"],
  ["IPv6", "::1"],
] as const)("tells who sent it and to which address of ours, over %s", async (family, address) => {
  const sender = new DatagramSocket({ family });
  sender.bind({ address, port: 0 });
  const info = await heard((port) =>
    sender.sendMany([{ data: "x", to: { address, port }, ecn: 2 }]),
  );
  expect(info).toMatchObject({ family, address, localAddress: address, ecn: 2, truncated: false });
  expect(info.port).toBe(sender.localAddress?.port);
  expect(info.interface).toBeGreaterThan(0);
  await sender.close();
});

test("holds after the callback has returned, whatever comes next", async () => {
  const infos: DatagramInfo[] = [];
  const listener = await listen("udp://127.0.0.1:0", { data: (_, __, info) => infos.push(info) });
  const flows = await Promise.all([1, 2].map(() => connect(`udp://127.0.0.1:${listener.port}`)));
  for (const flow of flows) await flow.send("x");
  while (infos.length < 2) await new Promise((resolve) => setImmediate(resolve));
  const ports = flows.map(({ localPort }) => localPort);
  expect(new Set(infos.map(({ port }) => port))).toEqual(new Set(ports));
  for (const flow of flows) await flow.close();
  await listener.close();
});

test("the time of a turn is one, and the next turn has its own", async () => {
  const times: number[][] = [];
  const listener = await listen("udp://127.0.0.1:0", {
    data() {
      const first = turnTime();
      const until = performance.now() + 3;
      while (performance.now() < until);
      times.push([first, turnTime(), performance.now()]);
    },
  });
  const flow = await connect(`udp://127.0.0.1:${listener.port}`);
  for (let turn = 1; turn <= 2; turn++) {
    await flow.send("x");
    while (times.length < turn) await new Promise((resolve) => setImmediate(resolve));
  }
  const [one, other] = times as [number[], number[]];
  expect(one[1]).toBe(one[0]);
  expect(one[2]).toBeGreaterThan(one[0] as number);
  expect(other[0]).toBeGreaterThanOrEqual(one[2] as number);
  await flow.close();
  await listener.close();
});
