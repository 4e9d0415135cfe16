// Connections that follow their path (B52, B53), and what is asked of interfaces. The networks are
// a test's own; test/faults has those of the kernel.
import { beforeEach, describe, expect, test, vi } from "vitest";
import { Connection, type ConnectOptions, connect, HawserError } from "../../lib/index.ts";
import type { Path } from "../../lib/net/paths/types.ts";
import type { PathObserver } from "../../lib/net/paths/watch.ts";
import { FakeNetwork, HOME } from "./paths/support.ts";
import {
  afterTest,
  collectUncaught,
  deferred,
  delay,
  ending,
  nodeServer,
  serve,
  temporaryFolder,
  until,
} from "./support.ts";

const here = vi.hoisted(() => ({ network: undefined as unknown }));
vi.mock("../../lib/net/paths/watch.ts", () => ({
  watchPaths: (observer: PathObserver) => (here.network as FakeNetwork).watch(observer),
}));

let network: FakeNetwork;
beforeEach(() => {
  network = new FakeNetwork();
  here.network = network;
});

const noted: (readonly [string, unknown])[] = [];
beforeEach(() => void noted.splice(0));

const noting = {
  open: () => void noted.push(["open", true]),
  viable: (_c: Connection, viable: boolean) => void noted.push(["viable", viable]),
  betterPath: (_c: Connection, path: Path | null) =>
    void noted.push(["better", path?.interface?.name ?? null]),
  close: () => void noted.push(["close", true]),
};

async function connected(options: ConnectOptions = {}): Promise<Connection> {
  const { port } = await nodeServer(() => {});
  return ending(await connect(`tcp://127.0.0.1:${port}`, options));
}

describe("nobody who does not ask", () => {
  test("is watched for: no callback, no option, no property that was read", async () => {
    const connection = await connected({ waitForConnectivity: true, prohibitedInterfaces: [] });
    connection.info();
    expect(network.observers.size).toBe(0);
    expect(connection.viable).toBe(true);
    expect(network.observers.size).toBe(1);
    connection.abort();
    expect(network.observers.size).toBe(0);
  });

  test("is watched for after the end of who did", async () => {
    const connection = await connected(noting);
    expect(network.observers.size).toBe(1);
    const other = await connected({ viabilityTimeout: 60_000 });
    expect(network.observers.size).toBe(1);
    await connection.close();
    expect(network.observers.size).toBe(1);
    await other.close();
    expect(network.observers.size).toBe(0);
  });

  test("a failed establishment leaves no watch", async () => {
    const { server, port } = await nodeServer(() => {});
    server.close();
    await expect(connect(`tcp://127.0.0.1:${port}`, noting)).rejects.toMatchObject({
      code: "ECONNREFUSED",
    });
    expect([network.observers.size, noted]).toEqual([0, []]);
  });
});

describe("viable, betterPath and path", () => {
  test("B52 viable is false within 200 ms of a loss, and true again; told between open and close", async () => {
    const connection = await connected(noting);
    expect([connection.viable, connection.path?.interface?.name]).toEqual([true, "lo"]);
    for (const up of [false, true]) {
      const start = performance.now();
      network.set("lo", { up });
      await until(`viable is ${up}`, () => connection.viable === up, 1_000);
      expect(performance.now() - start).toBeLessThan(200);
    }
    await connection.close();
    expect(noted).toEqual([
      ["open", true],
      ["viable", false],
      ["viable", true],
      ["close", true],
    ]);
  });

  test("B52 a property alone follows as the callback does", async () => {
    const connection = await connected();
    expect(connection.viable).toBe(true);
    network.set("lo", { running: false });
    await until("not viable", () => !connection.viable, 1_000);
    expect(connection.path?.status).toBe("unsatisfied");
  });

  test("an accepted connection has them too", async () => {
    const opened = deferred<Connection>();
    const listener = await serve({ open: opened.resolve });
    ending(await connect(`tcp://127.0.0.1:${listener.port}`));
    const accepted = await opened.promise;
    expect(network.observers.size).toBe(0);
    expect([accepted.viable, accepted.path?.status, accepted.betterPath]).toEqual([
      true,
      "satisfied",
      null,
    ]);
    network.set("lo", { up: false });
    await until("not viable", () => !accepted.viable, 1_000);
    accepted.abort();
    expect([accepted.viable, accepted.path]).toEqual([false, null]);
    expect(network.observers.size).toBe(0);
  });

  test("B53 a better path is announced, and nothing else happens", async () => {
    const connection = await connected(noting);
    const { localAddress, localPort } = connection;
    const kernels = network.pathTo.bind(network);
    const through = network.pathTo("203.0.113.9");
    network.pathTo = (address, question = {}) =>
      question.localAddress === undefined ? through : kernels(address, question);
    network.changed();
    await until("a better path", () => connection.betterPath !== null, 1_000);
    expect(connection.betterPath).toMatchObject({ sourceAddress: "10.0.0.2" });
    expect([connection.localAddress, connection.localPort, connection.state]).toEqual([
      localAddress,
      localPort,
      "ready",
    ]);
    network.pathTo = kernels;
    network.changed();
    await until("none any more", () => connection.betterPath === null, 1_000);
    await delay(5);
    expect(noted.slice(1)).toEqual([
      ["better", "eth0"],
      ["better", null],
    ]);
  });

  test("before ready and after the end there is no path, and nothing is watched", async () => {
    const fresh = new Connection("tcp://127.0.0.1:9", noting);
    expect([fresh.viable, fresh.path, fresh.betterPath]).toEqual([false, null, null]);
    const connection = await connected();
    connection.abort();
    expect([connection.viable, connection.path, connection.betterPath]).toEqual([
      false,
      null,
      null,
    ]);
    expect(network.observers.size).toBe(0);
  });

  test("a Unix socket is viable while it is open, and has no path", async () => {
    const path = `${temporaryFolder()}/s`;
    await nodeServer(() => {}, {}, { path });
    const connection = ending(await connect(`unix:${path}`, { ...noting, viabilityTimeout: 10 }));
    expect([connection.viable, connection.path, connection.betterPath]).toEqual([true, null, null]);
    expect(network.observers.size).toBe(0);
    connection.abort();
    expect(connection.viable).toBe(false);
    const options = { requiredInterfaceKind: "wired" } as const;
    expect(() => new Connection(`unix:${path}`, options)).toThrow(TypeError);
  });

  test("B55 a callback that throws ends its own connection only", async () => {
    const broken = new Error("broken");
    const other = await connected({ viable: noting.viable });
    const connection = await connected({
      viable: () => {
        throw broken;
      },
    });
    await collectUncaught(async (errors) => {
      network.set("lo", { up: false });
      await until("told", () => noted.length > 0 && connection.state !== "ready", 1_000);
      await delay(5);
      expect(errors).toEqual([broken]);
    });
    expect([connection.state, other.state]).toEqual(["closed", "ready"]);
  });

  test("where a process may not look at its networks, who asks is told", async () => {
    const refuse = new HawserError("socket EPERM", { code: "EPERM", syscall: "socket" });
    network.watch = () => {
      throw refuse;
    };
    const connection = await connected();
    expect(() => connection.viable).toThrow(refuse);
    expect(() => connection.path).toThrow(refuse);
    expect(connection.state).toBe("ready");
    const { port } = await nodeServer(() => {});
    for (const options of [noting, { viabilityTimeout: 5 }, { prohibitedInterfaces: ["x"] }]) {
      await expect(connect(`tcp://127.0.0.1:${port}`, options)).rejects.toBe(refuse);
    }
  });
});

describe("viabilityTimeout", () => {
  test("B52 a path that stays away fails the connection: ENETDOWN, with the reason", async () => {
    const { port } = await nodeServer(() => {});
    const told = deferred<unknown>();
    const connection = await connect(`tcp://127.0.0.1:${port}`, {
      viabilityTimeout: 300,
      close: (_c, error) => told.resolve(error),
    });
    const start = performance.now();
    network.set("lo", { up: false });
    const { error, initiator } = await connection.closed;
    expect(performance.now() - start).toBeGreaterThanOrEqual(345);
    expect(performance.now() - start).toBeLessThan(550);
    expect(error).toMatchObject({
      name: "HawserError",
      code: "ENETDOWN",
      reason: "VIABILITY_TIMEOUT",
      phase: "open",
      address: "127.0.0.1",
      port,
    });
    expect(error?.message).toContain("viabilityTimeout");
    expect(error?.bytes).toEqual({ handedOver: 0, acknowledged: 0, unacknowledged: 0 });
    expect(await told.promise).toBe(error);
    expect([initiator, connection.state]).toEqual(["network", "failed"]);
    expect(network.observers.size).toBe(0);
  });

  test("a path that is back in time changes nothing", async () => {
    const connection = await connected({ viabilityTimeout: 300 });
    network.set("lo", { up: false });
    await until("not viable", () => !connection.viable, 1_000);
    network.set("lo", { up: true });
    await delay(500);
    expect([connection.state, connection.viable]).toEqual(["ready", true]);
  });
});

describe("prohibitedInterfaces and requiredInterfaceKind", () => {
  test("no way that is allowed is ENETUNREACH, before anything is sent", async () => {
    const accepted: unknown[] = [];
    const { port } = await nodeServer((socket) => accepted.push(socket));
    const endpoint = `tcp://127.0.0.1:${port}` as const;
    const prohibited = await connect(endpoint, { prohibitedInterfaces: ["lo"] }).catch((e) => e);
    expect(prohibited).toMatchObject({
      code: "ENETUNREACH",
      reason: "PROHIBITED_INTERFACE",
      phase: "connect",
      address: "127.0.0.1",
      port,
    });
    expect(prohibited.message).toContain("prohibitedInterfaces");
    await expect(connect(endpoint, { requiredInterfaceKind: "wired" })).rejects.toMatchObject({
      code: "ENETUNREACH",
      reason: "INTERFACE_KIND",
    });
    await delay(20);
    expect([accepted.length, network.observers.size]).toEqual([0, 0]);
  });

  test("an allowed one connects", async () => {
    const connection = await connected({
      prohibitedInterfaces: ["eth0", 3],
      requiredInterfaceKind: "loopback",
    });
    expect([connection.viable, connection.path?.interface?.name]).toEqual([true, "lo"]);
    expect(connection.options.prohibitedInterfaces).toEqual(["eth0", 3]);
  });

  test("each address of a name is looked at for itself", async () => {
    const { port } = await nodeServer(() => {});
    const connection = ending(
      await connect(`tcp://name.invalid:${port}`, {
        requiredInterfaceKind: "loopback",
        lookup: ((_h: string, _o: object, done: (error: null, all: object[]) => void) =>
          done(null, [
            { address: "203.0.113.9", family: 4 },
            { address: "127.0.0.1", family: 4 },
          ])) as never,
      }),
    );
    expect(connection.establishmentReport?.attempts).toMatchObject([
      { address: "203.0.113.9", outcome: "failed", error: { reason: "INTERFACE_KIND" } },
      { address: "127.0.0.1", outcome: "won" },
    ]);
  });

  test("B5 none now is something to wait for", async () => {
    const { port } = await nodeServer(() => {});
    const connection = new Connection(`tcp://127.0.0.1:${port}`, {
      prohibitedInterfaces: ["lo"],
      waitForConnectivity: true,
    });
    afterTest(() => connection.abort());
    connection.start();
    await until("waiting", () => connection.state === "waiting");
    expect(connection.stateReason).toMatchObject({ reason: "PROHIBITED_INTERFACE" });
    network.links = { lo0: HOME["lo"] as never };
    network.pathTo = () => ({
      status: "satisfied",
      interface: network.snapshot.interface("lo0") ?? null,
      sourceAddress: "127.0.0.1",
      gateway: null,
      mtuBytes: null,
    });
    network.changed();
    await connection.ready;
    expect(connection.establishmentReport?.waits).toBe(1);
  });

  test("B52 what is prohibited later makes it not viable", async () => {
    const connection = await connected({
      requiredInterfaceKind: "loopback",
      viabilityTimeout: 200,
    });
    network.set("lo", { kind: "virtual" });
    expect((await connection.closed).error).toMatchObject({ reason: "VIABILITY_TIMEOUT" });
  });

  test.runIf(process.platform === "linux" && process.getuid?.() === 0)(
    "the socket is bound to the interface that was chosen (as root)",
    async () => {
      // The first interface of every Linux is its loopback.
      network.links = { lo: { ...(HOME["lo"] as (typeof HOME)[string]), kind: "wired" } };
      const connection = await connected({ requiredInterfaceKind: "wired" });
      expect(connection.getOption("SO_BINDTODEVICE")).toBe("lo");
      expect(connection.viable).toBe(true);
      expect((await connected()).getOption("SO_BINDTODEVICE")).toBe("");
    },
  );

  test("an interface that is not there is ENODEV, and no rule is forgotten for it", async () => {
    const options = { interface: "none0", prohibitedInterfaces: ["eth0"] };
    await expect(connect("tcp://127.0.0.1:9", options)).rejects.toMatchObject({ code: "ENODEV" });
  });
});
