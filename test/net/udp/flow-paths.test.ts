// UDP flows that follow their path (B52, B53): those of connect(), each over a socket of its own.
// The networks are a test's own.
import { beforeEach, describe, expect, test, vi } from "vitest";
import { connect, listen, type UdpConnectOptions, type UdpFlow } from "../../../lib/index.ts";
import type { Path } from "../../../lib/net/paths/types.ts";
import type { PathObserver } from "../../../lib/net/paths/watch.ts";
import { FakeNetwork } from "../paths/support.ts";
import { afterTest, delay, until } from "../support.ts";

const here = vi.hoisted(() => ({ network: undefined as unknown }));
vi.mock("../../../lib/net/paths/watch.ts", () => ({
  watchPaths: (observer: PathObserver) => (here.network as FakeNetwork).watch(observer),
}));

let network: FakeNetwork;
beforeEach(() => {
  network = new FakeNetwork();
  here.network = network;
});

async function echo(onFlow: (flow: UdpFlow) => void = () => {}) {
  const listener = await listen("udp://127.0.0.1:0", {
    open: onFlow,
    data: (flow, bytes) => void flow.write(bytes),
  });
  afterTest(() => listener.close());
  return listener;
}

async function connected(options: UdpConnectOptions = {}): Promise<UdpFlow> {
  const { port } = await echo();
  const flow = await connect(`udp://127.0.0.1:${port}`, options);
  afterTest(() => flow.abort());
  return flow;
}

describe("a flow of connect()", () => {
  test("B52 viable is false within 200 ms of a loss, and true again; the callback says so", async () => {
    const told: unknown[] = [];
    const flow = await connected({ viable: (one, viable) => told.push([one === flow, viable]) });
    expect([flow.viable, flow.path?.interface?.name]).toEqual([true, "lo"]);
    for (const up of [false, true]) {
      const start = performance.now();
      network.set("lo", { up });
      await until(`viable is ${up}`, () => flow.viable === up, 1_000);
      expect(performance.now() - start).toBeLessThan(200);
    }
    expect(told).toEqual([
      [true, false],
      [true, true],
    ]);
    flow.write("still here");
    expect(String(await flow.receive())).toBe("still here");
  });

  test("B53 a better path is announced, and not taken", async () => {
    const told: unknown[] = [];
    const flow = await connected({
      betterPath: (_flow, path: Path | null) => told.push(path?.interface?.name ?? null),
    });
    const { localAddress, localPort } = flow;
    const through = network.pathTo("203.0.113.9");
    const kernels = network.pathTo.bind(network);
    network.pathTo = (address, question = {}) =>
      question.localAddress === undefined ? through : kernels(address, question);
    network.changed();
    await until("a better path", () => flow.betterPath !== null, 1_000);
    expect(told).toEqual(["eth0"]);
    expect([flow.localAddress, flow.localPort]).toEqual([localAddress, localPort]);
  });

  test("viabilityTimeout fails it: ENETDOWN, with the reason", async () => {
    const flow = await connected({ viabilityTimeout: 100 });
    network.set("lo", { up: false });
    const { error, initiator } = await flow.closed;
    expect(error).toMatchObject({
      code: "ENETDOWN",
      reason: "VIABILITY_TIMEOUT",
      phase: "open",
      address: "127.0.0.1",
    });
    expect([initiator, flow.state, network.observers.size]).toEqual(["network", "failed", 0]);
  });

  test("nothing is watched where nobody asks, nor after the end", async () => {
    const flow = await connected();
    expect(network.observers.size).toBe(0);
    expect(flow.viable).toBe(true);
    expect(network.observers.size).toBe(1);
    await flow.close();
    expect([flow.viable, flow.path, flow.betterPath]).toEqual([false, null, null]);
    expect(network.observers.size).toBe(0);
  });

  test("where a process may not look at its networks, who asks is told", async () => {
    const refuse = new Error("EPERM");
    network.watch = () => {
      throw refuse;
    };
    const flow = await connected();
    expect(() => flow.viable).toThrow(refuse);
    const { port } = await echo();
    const close = vi.fn();
    await expect(connect(`udp://127.0.0.1:${port}`, { viable() {}, close })).rejects.toBe(refuse);
    await delay(0);
    // Who was told of no beginning is told of no end.
    expect(close).not.toHaveBeenCalled();
  });

  test("options of streams that mean nothing here are told so", async () => {
    const options = { waitForConnectivity: true } as object;
    await expect(connect("udp://127.0.0.1:9", options)).rejects.toThrow(/waitForConnectivity/);
  });
});

describe("a flow of a listener", () => {
  test("has no path of its own, and is viable while it is open", async () => {
    const flows: UdpFlow[] = [];
    const { port } = await echo((flow) => flows.push(flow));
    const near = await connect(`udp://127.0.0.1:${port}`);
    afterTest(() => near.abort());
    near.write("one");
    await until("a flow", () => flows.length === 1);
    const [far] = flows as [UdpFlow];
    // The listener itself may look at its addresses.
    const watching = network.observers.size;
    expect([far.viable, far.path, far.betterPath]).toEqual([true, null, null]);
    network.set("lo", { up: false });
    await delay(120);
    expect([far.viable, network.observers.size]).toEqual([true, watching]);
    await far.close();
    expect(far.viable).toBe(false);
  });
});
