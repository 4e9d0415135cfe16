// The shared watch over the addon's lists, which a test replaces. What a kernel does is in
// test/faults/paths-monitor.test.ts.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { MAX_PATH_RETRY_MS, MIN_PATH_RETRY_MS } from "../../../lib/core/limits.ts";
import { codeError } from "../../../lib/errors/index.ts";
import type { PathChange } from "../../../lib/net/paths/types.ts";
import { changesDescriptor, type PathWatch, watchPaths } from "../../../lib/net/paths/watch.ts";

// What the kernel has, and how often it was asked.
const kernel = vi.hoisted(() => ({
  links: [] as { index: number; name: string; addresses: string[] }[],
  routes: [] as { family: string; gateway: string; interface: number; metric: number }[],
  asked: { links: 0, addresses: 0, routes: 0 },
  error: null as unknown,
  /** Milliseconds that one list takes. */
  listMs: 0,
  channel: null as null | {
    heard: (changes: number) => void;
    isReferenced: boolean;
    isClosed: boolean;
  },
  servers: null as null | { changed: () => void; servers: string[]; isClosed: boolean },
}));

function answer(what: "links" | "addresses" | "routes"): void {
  kernel.asked[what]++;
  if (kernel.error !== null) throw kernel.error;
  vi.advanceTimersByTime(kernel.listMs);
}

// Records are the JSON of what they stand for.
vi.mock("../../../lib/socket/interfaces.ts", () => ({
  readLinks() {
    answer("links");
    return Buffer.from(JSON.stringify(kernel.links.map(({ index, name }) => ({ index, name }))));
  },
  readAddresses() {
    answer("addresses");
    return Buffer.from(
      JSON.stringify(Object.fromEntries(kernel.links.map((one) => [one.index, one.addresses]))),
    );
  },
  decodeInterfaces(links: Buffer, addresses: Buffer) {
    const owned = JSON.parse(addresses.toString());
    return JSON.parse(links.toString()).map((link: { index: number }) => ({
      ...link,
      addresses: owned[link.index] ?? [],
    }));
  },
  listInterfaces: () => [],
}));
vi.mock(import("../../../lib/socket/routes.ts"), async (load) => {
  const { ADDRESSES_CHANGED, LINKS_CHANGED, ROUTES_CHANGED, NETWORK_OVERRUN } = await load();
  return {
    ADDRESSES_CHANGED,
    LINKS_CHANGED,
    ROUTES_CHANGED,
    NETWORK_OVERRUN,
    readDefaultRoutes() {
      answer("routes");
      return Buffer.from(JSON.stringify(kernel.routes));
    },
    decodeDefaultRoutes: (records: Buffer) => JSON.parse(records.toString()),
    askRoute: () => -1,
    ChangeChannel: class {
      readonly fd = 42;
      isReferenced = false;
      isClosed = false;
      readonly heard: (changes: number) => void;
      constructor(heard: (changes: number) => void) {
        this.heard = heard;
        kernel.channel = this;
      }
      setReferenced(isReferenced: boolean): void {
        this.isReferenced = isReferenced;
      }
      close(): void {
        this.isClosed = true;
      }
    },
  } as never;
});
vi.mock("../../../lib/net/paths/name-servers.ts", () => ({
  NameServers: class {
    servers = ["192.0.2.53"];
    isClosed = false;
    readonly changed: () => void;
    constructor(changed: () => void) {
      this.changed = changed;
      kernel.servers = this;
    }
    close(): void {
      this.isClosed = true;
    }
  },
}));

const LINKS = 1;
const ADDRESSES = 2;
const ROUTES = 4;
const OVERRUN = 8;
const EVERYTHING = LINKS | ADDRESSES | ROUTES | OVERRUN;

const watches: PathWatch[] = [];
beforeEach(() => {
  vi.useFakeTimers();
  kernel.links = [
    { index: 1, name: "lo", addresses: ["127.0.0.1"] },
    { index: 2, name: "eth0", addresses: ["192.0.2.1"] },
  ];
  kernel.routes = [{ family: "IPv4", gateway: "192.0.2.254", interface: 2, metric: 0 }];
  kernel.error = null;
  kernel.listMs = 0;
  kernel.asked = { links: 0, addresses: 0, routes: 0 };
});
afterEach(() => {
  for (const watch of watches.splice(0)) watch.stop();
  vi.useRealTimers();
});

function watch(changed?: (change: PathChange) => void): { watch: PathWatch; told: PathChange[] } {
  const told: PathChange[] = [];
  const made = watchPaths({ changed: changed ?? ((change) => told.push(change)) });
  watches.push(made);
  return { watch: made, told };
}

const heard = (changes: number) => kernel.channel?.heard(changes);

describe("the shared watch", () => {
  it("is one for all observers, from the first to the last", () => {
    expect(changesDescriptor()).toBe(-1);
    const first = watch();
    const channel = kernel.channel;
    const second = watch();
    expect(kernel.channel).toBe(channel);
    expect(first.watch.snapshot).toBe(second.watch.snapshot);
    expect(kernel.asked.links).toBe(1);
    expect(changesDescriptor()).toBe(42);
    first.watch.stop();
    first.watch.stop();
    expect(channel?.isClosed).toBe(false);
    second.watch.stop();
    expect(channel?.isClosed).toBe(true);
    expect(kernel.servers?.isClosed).toBe(true);
    watch();
    expect(kernel.channel).not.toBe(channel);
  });

  it("tells each observer of a change in the turn in which it was heard", () => {
    const { watch: one, told } = watch();
    const other = watch();
    const before = one.snapshot;
    kernel.links[1]?.addresses.push("192.0.2.2");
    heard(ADDRESSES);
    expect(told).toMatchObject([
      { changed: [{ before: { name: "eth0" }, after: { name: "eth0" } }], routesChanged: false },
    ]);
    expect(other.told[0]).toBe(told[0]);
    expect(told[0]?.snapshot).toBe(one.snapshot);
    expect(one.snapshot.interfaces[0]).toBe(before.interfaces[0]);
  });

  it("tells nothing where nothing is different", () => {
    const { told, watch: made } = watch();
    const before = made.snapshot;
    heard(LINKS | ADDRESSES);
    expect(told).toEqual([]);
    expect(made.snapshot).toBe(before);
  });

  it("tells of a route that no snapshot shows", () => {
    const { told } = watch();
    heard(ROUTES);
    expect(told).toMatchObject([{ routesChanged: true, defaultRoutesChanged: false, changed: [] }]);
  });

  it.each([
    [ROUTES, { links: 0, addresses: 0, routes: 1 }],
    [ADDRESSES, { links: 0, addresses: 1, routes: 1 }],
    // With a link the kernel drops addresses and routes, and tells of some.
    [LINKS, { links: 1, addresses: 1, routes: 1 }],
    [EVERYTHING, { links: 1, addresses: 1, routes: 1 }],
  ])("changes %i are listed anew with what depends on them", (changes, asked) => {
    watch();
    kernel.asked = { links: 0, addresses: 0, routes: 0 };
    heard(changes);
    expect(kernel.asked).toEqual(asked);
  });

  it("after lost events it is as a fresh list", () => {
    const { told, watch: made } = watch();
    kernel.links = [{ index: 7, name: "eth7", addresses: [] }];
    kernel.routes = [];
    heard(EVERYTHING);
    expect(made.snapshot.interfaces).toMatchObject([{ index: 7 }]);
    expect(told).toMatchObject([
      { added: [{ name: "eth7" }], removed: [{ name: "lo" }, { name: "eth0" }] },
    ]);
  });

  it("tells of other name servers", () => {
    const { told } = watch();
    if (kernel.servers !== null) kernel.servers.servers = [];
    kernel.servers?.changed();
    expect(told).toMatchObject([{ dnsServersChanged: true, routesChanged: false }]);
  });

  it("tells nothing to one that was stopped in the same round", () => {
    const order: string[] = [];
    const first = watch(() => {
      order.push("first");
      second.watch.stop();
    });
    const second = watch(() => order.push("second"));
    const third = watch(() => order.push("third"));
    heard(ROUTES);
    expect(order).toEqual(["first", "third"]);
    const last = second.watch.snapshot;
    kernel.links.pop();
    heard(LINKS);
    expect(second.watch.snapshot).toBe(last);
    expect(first.watch.snapshot).not.toBe(last);
    expect(third.watch.snapshot).toBe(first.watch.snapshot);
  });

  it("keeps the process alive while one observer wants it to", () => {
    const { watch: one } = watch();
    const { watch: other } = watch();
    expect(kernel.channel?.isReferenced).toBe(false);
    one.ref();
    other.ref();
    one.unref();
    expect(kernel.channel?.isReferenced).toBe(true);
    other.stop();
    expect(kernel.channel?.isReferenced).toBe(false);
    other.ref();
    expect(kernel.channel?.isReferenced).toBe(false);
  });
});

describe("a list that cannot be made", () => {
  const full = () => codeError("EMFILE", "socket");

  it("at the beginning is thrown, and leaves nothing open", () => {
    kernel.error = full();
    expect(() => watch()).toThrow(expect.objectContaining({ code: "EMFILE" }));
    expect(kernel.channel?.isClosed).toBe(true);
    expect(changesDescriptor()).toBe(-1);
  });

  it("later is tried again, less and less often, until it can", () => {
    const { told } = watch();
    kernel.error = full();
    kernel.links.pop();
    kernel.asked.links = 0;
    heard(LINKS);
    expect(kernel.asked.links).toBe(1);
    vi.advanceTimersByTime(MIN_PATH_RETRY_MS);
    expect(kernel.asked.links).toBe(2);
    vi.advanceTimersByTime(2 * MIN_PATH_RETRY_MS);
    expect(kernel.asked.links).toBe(3);
    // What comes meanwhile waits for the same try.
    heard(ADDRESSES);
    expect(kernel.asked.links).toBe(3);
    vi.advanceTimersByTime(20 * MAX_PATH_RETRY_MS);
    expect(kernel.asked.links).toBeLessThan(30);
    expect(told).toEqual([]);
    kernel.error = null;
    vi.advanceTimersByTime(MAX_PATH_RETRY_MS);
    expect(told).toMatchObject([{ removed: [{ name: "eth0" }] }]);
  });

  it("is not tried any more when nobody watches", () => {
    const { watch: made } = watch();
    kernel.error = full();
    heard(LINKS);
    made.stop();
    kernel.asked.links = 0;
    vi.advanceTimersByTime(MAX_PATH_RETRY_MS);
    expect(kernel.asked.links).toBe(0);
  });
});

it("lists that take long take a tenth of the time, and lose no change", () => {
  const { told } = watch();
  kernel.listMs = 10;
  const begun = performance.now();
  for (let count = 0; performance.now() - begun < 10_000; count++) {
    kernel.routes = [
      { family: "IPv4", gateway: `192.0.2.${count % 200}`, interface: 2, metric: 0 },
    ];
    heard(ROUTES);
    vi.advanceTimersByTime(1);
  }
  expect(kernel.asked.routes).toBeGreaterThan(50);
  expect(kernel.asked.routes).toBeLessThan(120);
  vi.advanceTimersByTime(1_000);
  expect(told.at(-1)?.snapshot.defaultRoutes).toEqual(kernel.routes);
});
