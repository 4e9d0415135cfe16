// The monitor over a host's networks that a test changes, and a clock that it moves.

import { AsyncLocalStorage } from "node:async_hooks";
import { afterEach, beforeEach, describe, expect, it, test, vi } from "vitest";
import { MAX_PATH_DEBOUNCE_FACTOR, PATH_DEBOUNCE_MS } from "../../../lib/core/limits.ts";
import { PathMonitor, type PathMonitorOptions } from "../../../lib/net/paths/monitor.ts";
import type { PathChange } from "../../../lib/net/paths/types.ts";
import type { PathObserver } from "../../../lib/net/paths/watch.ts";
import { FakeNetwork } from "./support.ts";

const state = vi.hoisted(() => ({ network: undefined as unknown, references: 0 }));
vi.mock("../../../lib/net/paths/watch.ts", () => ({
  watchPaths(observer: PathObserver) {
    const watch = (state.network as FakeNetwork).watch(observer);
    let referenced = 0;
    let isStopped = false;
    const refer = (wanted: number) => {
      if (isStopped) return;
      state.references += wanted - referenced;
      referenced = wanted;
    };
    const end = watch.stop;
    const stop = () => {
      refer(0);
      isStopped = true;
      end();
    };
    return Object.defineProperties(watch, {
      ref: { value: () => refer(1) },
      unref: { value: () => refer(0) },
      stop: { value: stop },
    });
  },
}));

let network: FakeNetwork;
const monitors: PathMonitor[] = [];
const thrown: unknown[] = [];
const onUncaught = (error: unknown) => thrown.push(error);

beforeEach(() => {
  vi.useFakeTimers();
  network = new FakeNetwork();
  state.network = network;
});
afterEach(async () => {
  for (const monitor of monitors.splice(0)) await monitor.close();
  vi.useRealTimers();
  thrown.length = 0;
});

function make(options?: PathMonitorOptions): { monitor: PathMonitor; told: PathChange[] } {
  const told: PathChange[] = [];
  const monitor = new PathMonitor({ change: (_, change) => told.push(change), ...options });
  monitors.push(monitor);
  return { monitor, told };
}

describe("when a change is told", () => {
  it("after the quiet time, counted from the last one (B53)", () => {
    const { told } = make();
    network.set("eth0", { running: false });
    vi.advanceTimersByTime(PATH_DEBOUNCE_MS - 10);
    network.set("wlan0", { running: false });
    vi.advanceTimersByTime(PATH_DEBOUNCE_MS - 10);
    expect(told).toEqual([]);
    vi.advanceTimersByTime(20);
    expect(told).toHaveLength(1);
    expect(told[0]?.changed.map(({ after }) => [after.name, after.running])).toEqual([
      ["eth0", false],
      ["wlan0", false],
    ]);
  });

  it("by a debounce of one's own", () => {
    const { told } = make({ debounce: 700 });
    network.set("eth0", { running: false });
    vi.advanceTimersByTime(690);
    expect(told).toEqual([]);
    vi.advanceTimersByTime(20);
    expect(told).toHaveLength(1);
  });

  it("at once with a debounce of 0", () => {
    const { told } = make({ debounce: 0 });
    network.set("eth0", { running: false });
    network.set("eth0", { running: true });
    expect(told).toHaveLength(2);
  });

  it("after ten times as long under changes that do not cease", () => {
    const { told } = make();
    for (let ms = 0; ms < MAX_PATH_DEBOUNCE_FACTOR * PATH_DEBOUNCE_MS - 10; ms += 10) {
      network.set("eth0", { running: ms % 20 === 10 });
      vi.advanceTimersByTime(10);
    }
    expect(told).toEqual([]);
    network.set("wlan0", { running: false });
    vi.advanceTimersByTime(11);
    expect(told).toHaveLength(1);
  });

  it("never, where it is undone within the quiet time (B53)", () => {
    const { told } = make();
    network.set("eth0", { running: false });
    network.set("eth0", { running: true });
    vi.advanceTimersByTime(10 * PATH_DEBOUNCE_MS);
    expect(told).toEqual([]);
  });

  it("as what is different from what was told before", () => {
    const { told, monitor } = make();
    network.links = { lo: network.links["lo"] as never };
    network.routes = [];
    network.dnsServers = [];
    network.changed();
    vi.advanceTimersByTime(PATH_DEBOUNCE_MS);
    expect(told[0]?.removed.map(({ name }) => name)).toEqual(["eth0", "wlan0"]);
    expect(told[0]).toMatchObject({
      defaultRoutesChanged: true,
      routesChanged: true,
      dnsServersChanged: true,
    });
    expect(told[0]?.snapshot.interfaces).toEqual(monitor.snapshot.interfaces);
  });

  it("where only routes changed that no snapshot shows", () => {
    const { told } = make();
    for (const observer of network.observers) {
      observer.changed({ snapshot: network.snapshot, routesChanged: true } as PathChange);
    }
    network.changed();
    vi.advanceTimersByTime(PATH_DEBOUNCE_MS);
    expect(told).toMatchObject([{ routesChanged: true, defaultRoutesChanged: false }]);
  });
});

describe("the view of it", () => {
  it("is ahead of what is still to be told", () => {
    const { monitor } = make();
    expect(monitor.interface("eth0")?.running).toBe(true);
    network.set("eth0", { running: false });
    expect(monitor.interface("eth0")?.running).toBe(false);
    expect(monitor.interface(2)?.name).toBe("eth0");
    expect(monitor.interface("nothing")).toBeUndefined();
    expect(monitor.interfaces()).toEqual(monitor.snapshot.interfaces);
  });

  it("asks for a path", () => {
    const { monitor } = make();
    expect(monitor.pathTo("198.51.100.1")).toMatchObject({
      status: "satisfied",
      interface: { name: "eth0" },
      gateway: "10.0.0.1",
    });
  });
});

describe("iteration", () => {
  it("gives changes from its beginning on, to each iteration by itself", async () => {
    const { monitor } = make();
    const first = monitor[Symbol.asyncIterator]();
    network.set("eth0", { running: false });
    vi.advanceTimersByTime(PATH_DEBOUNCE_MS);
    const second = monitor[Symbol.asyncIterator]();
    network.set("wlan0", { running: false });
    vi.advanceTimersByTime(PATH_DEBOUNCE_MS);
    expect((await first.next()).value?.changed).toHaveLength(2);
    expect((await second.next()).value?.changed).toHaveLength(1);
  });

  it("ends with the monitor", async () => {
    const { monitor } = make();
    const iterator = monitor[Symbol.asyncIterator]();
    const waiting = iterator.next();
    await monitor.close();
    expect(await waiting).toEqual({ done: true, value: undefined });
    for await (const change of monitor) expect.fail(JSON.stringify(change));
  });

  it("is over after break, and the monitor goes on", async () => {
    const { monitor, told } = make();
    setTimeout(() => network.set("eth0", { running: false }), 1);
    const seen = (async () => {
      for await (const change of monitor) return change;
      return null;
    })();
    await vi.advanceTimersByTimeAsync(2 * PATH_DEBOUNCE_MS);
    expect((await seen)?.changed).toHaveLength(1);
    network.set("eth0", { running: true });
    vi.advanceTimersByTime(PATH_DEBOUNCE_MS);
    expect(told).toHaveLength(2);
  });
});

describe("its end", () => {
  it("tells nothing more, and leaves no watch", async () => {
    const { monitor, told } = make();
    network.set("eth0", { running: false });
    await monitor.close();
    await monitor.close();
    vi.advanceTimersByTime(10 * PATH_DEBOUNCE_MS);
    expect(told).toEqual([]);
    expect(network.observers.size).toBe(0);
    expect(state.references).toBe(0);
    expect(monitor.ref()).toBe(monitor);
  });

  it("comes with its signal", () => {
    const controller = new AbortController();
    make({ signal: controller.signal });
    expect(network.observers.size).toBe(1);
    controller.abort();
    expect(network.observers.size).toBe(0);
  });

  it("a signal that is aborted already throws its reason, and watches nothing", () => {
    const reason = new Error("not now");
    expect(() => make({ signal: AbortSignal.abort(reason) })).toThrow(reason);
    expect(network.observers.size).toBe(0);
  });

  it("is Symbol.asyncDispose as well", async () => {
    const { monitor } = make();
    await monitor[Symbol.asyncDispose]();
    expect(network.observers.size).toBe(0);
  });
});

it("keeps the process alive unless it is unref'd", () => {
  const { monitor } = make();
  expect(state.references).toBe(1);
  expect(monitor.unref()).toBe(monitor);
  expect(state.references).toBe(0);
  expect(monitor.ref()).toBe(monitor);
  expect(state.references).toBe(1);
});

it("its callback runs in the context in which it was made", () => {
  const storage = new AsyncLocalStorage<string>();
  const seen: unknown[] = [];
  storage.run("here", () => make({ change: () => seen.push(storage.getStore()) }));
  network.set("eth0", { running: false });
  vi.advanceTimersByTime(PATH_DEBOUNCE_MS);
  expect(seen).toEqual(["here"]);
});

it("what its callback throws, or rejects with, is uncaught, and it goes on (B55)", async () => {
  vi.useRealTimers();
  const listeners = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", onUncaught);
  try {
    let calls = 0;
    make({
      debounce: 0,
      change() {
        calls++;
        if (calls === 1) throw new Error("thrown");
        return Promise.reject(new Error("rejected"));
      },
    });
    network.set("eth0", { running: false });
    network.set("eth0", { running: true });
    await vi.waitFor(() => expect(thrown).toHaveLength(2));
    expect(calls).toBe(2);
    expect(thrown.map((error) => (error as Error).message)).toEqual(["thrown", "rejected"]);
  } finally {
    process.removeListener("uncaughtException", onUncaught);
    for (const listener of listeners) process.on("uncaughtException", listener);
  }
});

test.each<[string, unknown, string]>([
  ["no object", 5, "ERR_INVALID_ARG_TYPE"],
  ["an unknown key", { debouce: 5 }, "ERR_INVALID_ARG_VALUE"],
  ["no duration", { debounce: "5" }, "ERR_INVALID_ARG_TYPE"],
  ["a negative duration", { debounce: -1 }, "ERR_OUT_OF_RANGE"],
  ["no function", { change: "x" }, "ERR_INVALID_ARG_TYPE"],
  ["no signal", { signal: {} }, "ERR_INVALID_ARG_TYPE"],
])("options: %s", (_, options, code) => {
  const construct = () => new PathMonitor(options as PathMonitorOptions);
  expect(construct).toThrow(expect.objectContaining({ code }));
  expect(network.observers.size).toBe(0);
});
