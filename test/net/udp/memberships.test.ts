// Two groups of one listener: a socket has one membership for each group and interface, which is
// that of who has joined first. Interfaces that come and go: following.test.ts.

import { afterEach, describe, expect, test } from "vitest";
import { interfaces, listen } from "../../../lib/index.ts";
import type { UdpListener } from "../../../lib/net/udp/listener.ts";

const ADDRESS = "239.73.4.1";
const loopback = interfaces().find(({ kind }) => kind === "loopback")?.name ?? "lo";
const hasMulticast = interfaces().some(({ up, multicast }) => up && multicast);
const reason = hasMulticast ? "" : " (skipped: no interface does multicast)";
const open: UdpListener[] = [];

afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

async function makeListener(): Promise<UdpListener> {
  const listener = await listen("udp://0.0.0.0:0");
  open.push(listener);
  return listener;
}

describe("B41: a group that another group of the same listener has joined already", () => {
  test("is EADDRINUSE on a chosen interface, and the first one still hears", async () => {
    const listener = await makeListener();
    const options = { address: ADDRESS, interfaces: [loopback] };
    const first = listener.group(options);
    const refused = expect.objectContaining({ code: "EADDRINUSE", syscall: "setsockopt" });
    expect(() => listener.group(options)).toThrow(refused);
    const received = first.receive();
    await first.send("hello");
    expect(String((await received)?.data)).toBe("hello");
    await first.leave();
    const second = listener.group(options);
    expect(second.interfaces.map(({ name }) => name)).toEqual([loopback]);
  });

  test.skipIf(!hasMulticast)(`is EADDRINUSE on all interfaces as well${reason}`, async () => {
    const listener = await makeListener();
    const first = listener.group({ address: ADDRESS });
    expect(first.interfaces.length).toBeGreaterThan(0);
    const refused = expect.objectContaining({ code: "EADDRINUSE" });
    expect(() => listener.group({ address: ADDRESS })).toThrow(refused);
    expect(() => listener.group({ address: "239.73.4.2" })).not.toThrow();
  });
});
