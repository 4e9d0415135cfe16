// Who gets the flows that a listener makes.

import { describe, expect, test } from "vitest";
import type { UdpFlow } from "../../../lib/net/udp/flow.ts";
import { FlowTakers } from "../../../lib/net/udp/flow-takers.ts";

const flow = (number: number) =>
  ({ number, remoteAddress: "192.0.2.1", close() {} }) as unknown as UdpFlow;

describe("flows that are iterated", () => {
  test("wait in their order, and are taken once", async () => {
    const takers = new FlowTakers(undefined, false, null);
    const flows = [flow(1), flow(2)];
    for (const one of flows) takers.hand(one);
    expect(takers.isIterated).toBe(true);
    for (const value of flows) expect(await takers.take()).toEqual({ done: false, value });
  });

  test("go to who waits, the longest first; the end is told to all who wait, and after", async () => {
    const takers = new FlowTakers(undefined, false, null);
    const waiting = [takers.take(), takers.take(), takers.take()];
    const flows = [flow(1), flow(2)];
    for (const one of flows) takers.hand(one);
    takers.end();
    const values = (await Promise.all(waiting)).map(({ value }) => value);
    expect(values).toEqual([...flows, undefined]);
    expect(await takers.take()).toEqual({ done: true, value: undefined });
  });

  test("are forgotten where they are closed before anybody has taken them (B35)", async () => {
    const takers = new FlowTakers(undefined, false, null);
    const flows = [flow(1), flow(2), flow(3)];
    for (const one of flows) takers.hand(one);
    takers.forget(flows[0] as UdpFlow);
    takers.forget(flows[1] as UdpFlow);
    expect(await takers.take()).toEqual({ done: false, value: flows[2] });
  });

  test("that wait at the end are still taken", async () => {
    const takers = new FlowTakers(undefined, false, null);
    const one = flow(1);
    takers.hand(one);
    takers.end();
    expect(await takers.take()).toEqual({ done: false, value: one });
    expect((await takers.take()).done).toBe(true);
  });
});

describe("flows that a function takes", () => {
  function taken(handler: (flow: UdpFlow) => unknown): Promise<string> {
    return new Promise((resolve) => {
      const own = {
        remoteAddress: "192.0.2.1",
        close: () => resolve("closed"),
        handlerFailed: (error: Error) => resolve(`failed: ${error.message}`),
      } as unknown as UdpFlow;
      new FlowTakers(handler, false, null).hand(own);
    });
  }

  test("its return is close()", async () => {
    expect(await taken(() => {})).toBe("closed");
    expect(await taken(async () => {})).toBe("closed");
  });

  test("whose error is the flow's to judge, thrown or rejected with", async () => {
    const error = new Error("x");
    expect(await taken(() => Promise.reject(error))).toBe("failed: x");
    const throws = () => {
      throw error;
    };
    expect(await taken(throws)).toBe("failed: x");
  });

  test("nobody iterates them, nor those that callbacks take", () => {
    expect(new FlowTakers(() => {}, false, null).isIterated).toBe(false);
    expect(new FlowTakers(undefined, true, null).isIterated).toBe(false);
  });
});
