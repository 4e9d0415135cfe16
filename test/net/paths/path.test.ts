import { beforeEach, describe, expect, it, test, vi } from "vitest";
import { errnoOf } from "../../../lib/errors/index.ts";
import { pathTo } from "../../../lib/net/paths/path.ts";
import { makeSnapshot } from "../../../lib/net/paths/snapshot.ts";
import { listInterfaces, type NetworkInterface } from "../../../lib/socket/interfaces.ts";
import * as routes from "../../../lib/socket/routes.ts";

vi.mock(import("../../../lib/socket/routes.ts"), async (load) => {
  const real = await load();
  return { ...real, askRoute: vi.fn(real.askRoute) };
});
const askRoute = vi.mocked(routes.askRoute);

const NO_PATH = {
  status: "unsatisfied",
  interface: null,
  sourceAddress: null,
  gateway: null,
  mtuBytes: null,
};

describe("paths on this host", () => {
  const here = makeSnapshot(listInterfaces(), [], []);
  const loopback = here.interfaces.find(({ kind }) => kind === "loopback");

  test.each(["127.0.0.1", "::1", "::ffff:127.0.0.1"])("to %s", (address) => {
    expect(pathTo(here, address)).toMatchObject({
      status: "satisfied",
      interface: loopback,
      gateway: null,
      mtuBytes: loopback?.mtuBytes,
    });
  });

  it("from any address of the loopback network, which no list has", () => {
    expect(pathTo(here, "127.0.0.1", { localAddress: "127.44.5.6" })).toMatchObject({
      status: "satisfied",
      sourceAddress: "127.44.5.6",
    });
  });

  it("from an address that is not this host's there is none", () => {
    expect(pathTo(here, "127.0.0.1", { localAddress: "203.0.113.77" })).toEqual(NO_PATH);
    expect(pathTo(here, "::1", { localAddress: "2001:db8::77" })).toEqual(NO_PATH);
  });

  it("into a zone that is no interface there is none", () => {
    expect(pathTo(here, "fe80::1%no-such-zone")).toEqual(NO_PATH);
  });

  test.each(["", "localhost", "127.1", "[::1]", "1.2.3.4:80", "fe80::1%"])(
    "to %j, which is no address",
    (address) => {
      const refusal = expect.objectContaining({ code: "EINVAL", address });
      expect(() => pathTo(here, address)).toThrow(refusal);
      expect(() => pathTo(here, "127.0.0.1", { localAddress: address })).toThrow(refusal);
    },
  );
});

describe("what the kernel answers", () => {
  const eth0: NetworkInterface = {
    index: 7_777,
    name: "eth0",
    kind: "wired",
    up: true,
    running: true,
    loopback: false,
    broadcast: true,
    multicast: true,
    pointToPoint: false,
    mtuBytes: 1_500,
    hardwareAddress: null,
    addresses: ["preferred", "deprecated", "tentative", "duplicated"].map((state, index) => ({
      address: `192.0.2.${index + 1}`,
      family: "IPv4",
      prefixLength: 24,
      broadcastAddress: null,
      scope: "global",
      state: state as "preferred",
    })),
  };
  const answer = {
    source: "192.0.2.1",
    gateway: "192.0.2.254",
    interface: eth0.index,
    mtuBytes: null,
    local: false,
  };
  const snapshot = makeSnapshot([eth0], [], []);
  beforeEach(() => void askRoute.mockReturnValue(answer));

  it("becomes a path", () => {
    expect(pathTo(snapshot, "198.51.100.1")).toEqual({
      status: "satisfied",
      interface: eth0,
      sourceAddress: "192.0.2.1",
      gateway: "192.0.2.254",
      mtuBytes: 1_500,
    });
  });

  test.each([
    [null, 1_500],
    [1_400, 1_400],
    [9_000, 1_500],
  ])("an MTU of the route of %s is one of %d", (mtuBytes, expected) => {
    askRoute.mockReturnValue({ ...answer, mtuBytes });
    expect(pathTo(snapshot, "198.51.100.1").mtuBytes).toBe(expected);
  });

  test.each([
    ["up", { up: false }],
    ["running", { running: false }],
  ])("through an interface that is not %s is unsatisfied, and says which", (_, more) => {
    const down = makeSnapshot([{ ...eth0, ...more }], [], []);
    expect(pathTo(down, "198.51.100.1")).toMatchObject({
      status: "unsatisfied",
      interface: { name: "eth0" },
    });
  });

  it("through an interface that there is not any more is no path", () => {
    expect(pathTo(makeSnapshot([], [], []), "198.51.100.1")).toEqual(NO_PATH);
  });

  test.each([
    ["192.0.2.1", "satisfied"],
    ["192.0.2.2", "satisfied"],
    ["192.0.2.3", "unsatisfied"],
    ["192.0.2.4", "unsatisfied"],
    ["192.0.2.9", "unsatisfied"],
  ])("from %s is %s", (localAddress, status) => {
    expect(pathTo(snapshot, "198.51.100.1", { localAddress }).status).toBe(status);
  });

  it("is asked for within the interface that must be used", () => {
    pathTo(snapshot, "198.51.100.1", { interface: 7 });
    expect(askRoute).toHaveBeenLastCalledWith(expect.any(Uint8Array), undefined, 7);
  });

  test.each(["ENETUNREACH", "EHOSTUNREACH", "EACCES", "EINVAL", "ENODEV", "ENETDOWN"])(
    "%s is a path that is not there",
    (code) => {
      askRoute.mockReturnValue(errnoOf(code) as number);
      expect(pathTo(snapshot, "198.51.100.1")).toEqual(NO_PATH);
    },
  );

  test.each(["EMFILE", "ENFILE", "ENOMEM", "ENOBUFS"])("%s says nothing of the path", (code) => {
    askRoute.mockReturnValue(errnoOf(code) as number);
    expect(() => pathTo(snapshot, "198.51.100.1")).toThrow(expect.objectContaining({ code }));
  });
});
