// WebSockets that wait for the network and follow their path (B5, B52, B53), by the options of the
// stream beneath. The networks are a test's own.
import diagnostics from "node:diagnostics_channel";
import type { LookupFunction } from "node:net";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { type Connection, connect, type WebSocketConnection } from "../../lib/index.ts";
import type { Path } from "../../lib/net/paths/types.ts";
import type { PathObserver } from "../../lib/net/paths/watch.ts";
import { FakeNetwork } from "../net/paths/support.ts";
import { collectUncaught, delay, until } from "../net/support.ts";
import { afterTest, open, serve, serveEcho } from "./support.ts";

const here = vi.hoisted(() => ({ network: undefined as unknown }));
vi.mock("../../lib/net/paths/watch.ts", () => ({
  watchPaths: (observer: PathObserver) => (here.network as FakeNetwork).watch(observer),
}));

let network: FakeNetwork;
beforeEach(() => {
  network = new FakeNetwork();
  here.network = network;
});

/** A resolver that is out of reach until `isThere`. */
const resolver = { isThere: false, takesMs: 0 };
const lookup = ((_host: string, _options: object, done: (...answer: unknown[]) => void) =>
  setTimeout(
    () =>
      resolver.isThere
        ? done(null, [{ address: "127.0.0.1", family: 4 }])
        : done(Object.assign(new Error("no name server"), { code: "EAI_AGAIN" })),
    resolver.takesMs,
  )) as LookupFunction;

/** The states of streams, which have no callback on a WebSocket. */
function streamStates(): string[] {
  const states: string[] = [];
  const note = (message: unknown) => states.push((message as { state: string }).state);
  diagnostics.subscribe("hawser.connection.state", note);
  afterTest(() => diagnostics.unsubscribe("hawser.connection.state", note));
  return states;
}

describe("waitForConnectivity", () => {
  beforeEach(() => {
    Object.assign(resolver, { isThere: false, takesMs: 0 });
  });

  test("B5 waits, and is a WebSocket when the network is back; connectTimeout does not count that", async () => {
    const { port } = await serveEcho();
    const states = streamStates();
    const connecting = connect(`ws://name.invalid:${port}`, {
      waitForConnectivity: true,
      connectTimeout: 400,
      lookup,
    });
    await until("waiting", () => states.includes("waiting"));
    await delay(700);
    resolver.isThere = true;
    network.changed();
    const socket = await connecting;
    afterTest(() => socket.abort());
    await socket.send("hello");
    expect(await socket.receive()).toBe("hello");
    expect(socket.connection.establishmentReport?.waits).toBeGreaterThanOrEqual(1);
  });

  test("B2 B5 each try has the whole connectTimeout, the upgrade included", async () => {
    const { port } = await serveEcho();
    const states = streamStates();
    resolver.takesMs = 300;
    const connecting = connect(`ws://name.invalid:${port}`, {
      waitForConnectivity: true,
      connectTimeout: 500,
      lookup,
    });
    for (const count of [1, 2]) {
      await until("waiting", () => states.filter((state) => state === "waiting").length === count);
      network.changed();
    }
    resolver.isThere = true;
    const socket = await connecting;
    afterTest(() => socket.abort());
    expect(socket.connection.establishmentReport?.waits).toBe(2);
  });

  test("B5 the default is to fail at once", async () => {
    await expect(connect("ws://name.invalid:9", { lookup })).rejects.toMatchObject({
      code: "EAI_AGAIN",
    });
  });

  test("signal ends it in waiting", async () => {
    const states = streamStates();
    const stop = new AbortController();
    const options = { waitForConnectivity: true, lookup, signal: stop.signal };
    const connecting = connect("ws://name.invalid:9", options);
    await until("waiting", () => states.includes("waiting"));
    stop.abort(new Error("enough"));
    await expect(connecting).rejects.toThrow("enough");
    await until("no watch", () => network.observers.size === 0);
  });
});

describe("viable and betterPath", () => {
  test("B52 B53 callbacks get the WebSocket, the properties are its stream's", async () => {
    const { url } = await serveEcho();
    const told: unknown[] = [];
    const socket: WebSocketConnection = await open(url, {
      viable: (one, viable) => told.push([one === socket, viable]),
      betterPath: (one, path: Path | null) => told.push([one === socket, path?.interface?.name]),
    });
    const stream: Connection = socket.connection;
    expect([stream.viable, stream.path?.interface?.name]).toEqual([true, "lo"]);
    network.set("lo", { up: false });
    await until("not viable", () => !stream.viable, 1_000);
    network.set("lo", { up: true });
    await until("viable", () => stream.viable, 1_000);
    const through = network.pathTo("203.0.113.9");
    const kernels = network.pathTo.bind(network);
    network.pathTo = (address, question = {}) =>
      question.localAddress === undefined ? through : kernels(address, question);
    network.changed();
    await until("a better path", () => stream.betterPath !== null, 1_000);
    expect(told).toEqual([
      [true, false],
      [true, true],
      [true, "eth0"],
    ]);
    await socket.send("still here");
    expect(await socket.receive()).toBe("still here");
  });

  test("nothing is watched where nobody asks", async () => {
    const { url } = await serveEcho();
    const socket = await open(url);
    expect(network.observers.size).toBe(0);
    expect(socket.connection.viable).toBe(true);
    expect(network.observers.size).toBe(1);
  });

  test("a callback that throws closes with 1011", async () => {
    const broken = new Error("broken");
    let code = 0;
    const { url } = await serve({
      message() {},
      close: (_socket, given) => {
        code = given;
      },
    });
    await open(url, {
      viable: () => {
        throw broken;
      },
    });
    await collectUncaught(async (errors) => {
      network.set("lo", { up: false });
      await until("closed", () => code !== 0);
      expect(errors).toEqual([broken]);
    });
    expect(code).toBe(1011);
  });

  test("viabilityTimeout and the rules about interfaces are the stream's own", async () => {
    const { url } = await serveEcho();
    const prohibited = connect(url, { prohibitedInterfaces: ["lo"] });
    await expect(prohibited).rejects.toMatchObject({ reason: "PROHIBITED_INTERFACE" });
    const socket = await open(url, { viabilityTimeout: 100 });
    network.set("lo", { up: false });
    const { error, code } = await socket.closed;
    expect(error).toMatchObject({ code: "ENETDOWN", reason: "VIABILITY_TIMEOUT" });
    expect(code).toBe(1006);
  });
});
