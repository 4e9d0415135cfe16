// A WebSocket that waits for the network (B5), as its own callbacks and properties tell it. The
// network is the test's own. What the stream beneath does meanwhile: paths.test.ts.

import { beforeEach, describe, expect, test, vi } from "vitest";
import {
  type ConnectionState,
  connect,
  WebSocket,
  type WebSocketConnection,
  type WebSocketConnectOptions,
  WebSocketStream,
} from "../../lib/index.ts";
import type { PathObserver } from "../../lib/net/paths/watch.ts";
import { FakeNetwork } from "../net/paths/support.ts";
import { until } from "../net/support.ts";
import { afterTest, called, open, serveEcho } from "./support.ts";

const here = vi.hoisted(() => ({ network: undefined as unknown }));
vi.mock("../../lib/net/paths/watch.ts", () => ({
  watchPaths: (observer: PathObserver) => (here.network as FakeNetwork).watch(observer),
}));

/** A resolver that is out of reach until `isThere`. */
let isThere = false;
const lookup = ((_host: string, _options: object, done: (...answer: unknown[]) => void) =>
  setImmediate(() =>
    isThere
      ? done(null, [{ address: "127.0.0.1", family: 4 }])
      : done(Object.assign(new Error("no name server"), { code: "EAI_AGAIN" })),
  )) as NonNullable<WebSocketConnectOptions["lookup"]>;

let network: FakeNetwork;
beforeEach(() => {
  isThere = false;
  network = new FakeNetwork();
  here.network = network;
});

/** Options of one that waits, and who it is when it does. */
function waiting(): {
  readonly told: [ConnectionState, string | undefined][];
  readonly waits: Promise<[WebSocketConnection]>;
  readonly options: WebSocketConnectOptions;
} {
  const told: [ConnectionState, string | undefined][] = [];
  const waits = called<[WebSocketConnection]>();
  const options: WebSocketConnectOptions = {
    waitForConnectivity: true,
    lookup,
    state: (socket, state, reason) => {
      told.push([state, reason?.code]);
      if (state === "waiting") waits.fn(socket);
    },
  };
  return { told, waits: waits.args, options };
}

const WAITED = [
  ["preparing", undefined],
  ["waiting", "EAI_AGAIN"],
  ["preparing", undefined],
  ["ready", undefined],
];

describe("B5: a WebSocket that waits", () => {
  test("is told with the reason, and tries again when the network changes", async () => {
    const { port } = await serveEcho();
    const { told, waits, options } = waiting();
    const connecting = connect(`ws://name.invalid:${port}`, options);
    const [socket] = await waits;
    expect(socket.state).toBe("waiting");
    expect(socket.stateReason?.code).toBe("EAI_AGAIN");
    expect([socket.viable, socket.path, socket.betterPath]).toEqual([false, null, null]);
    isThere = true;
    network.changed();
    expect(await connecting).toBe(socket);
    expect([socket.stateReason, socket.viable, socket.path?.interface?.name]).toEqual([
      null,
      true,
      "lo",
    ]);
    await socket.send("hello");
    expect(await socket.receive()).toBe("hello");
    expect(told).toEqual(WAITED);
    await socket.close();
  });

  test("tries again at once with restart()", async () => {
    const { port } = await serveEcho();
    const { told, waits, options } = waiting();
    const connecting = connect(`ws://name.invalid:${port}`, options);
    const [socket] = await waits;
    isThere = true;
    socket.restart();
    expect(await connecting).toBe(socket);
    socket.restart();
    expect(socket.state).toBe("ready");
    expect(told).toEqual(WAITED);
    await socket.close();
  });

  test.each(["close", "abort"] as const)("is given up with %s()", async (how) => {
    const { told, waits, options } = waiting();
    const connecting = connect("ws://name.invalid:9", options);
    const [socket] = await waits;
    void socket[how]();
    await expect(connecting).rejects.toMatchObject({ code: "ECANCELED" });
    expect(await socket.closed).toMatchObject({ error: null, initiator: "local" });
    expect(told.at(-1)).toEqual(["closed", undefined]);
    await until("no watch", () => network.observers.size === 0);
  });

  test.each([
    [
      "WebSocket",
      (url: string, options: WebSocketConnectOptions) => new WebSocket(url, [], options),
    ],
    [
      "WebSocketStream",
      (url: string, options: WebSocketConnectOptions) =>
        new WebSocketStream(url, options as ConstructorParameters<typeof WebSocketStream>[1]),
    ],
  ])("the same where it is inside a %s", async (_, make) => {
    const { port } = await serveEcho();
    const { told, waits, options } = waiting();
    const made = make(`ws://name.invalid:${port}`, options);
    afterTest(() => made.close());
    const [socket] = await waits;
    isThere = true;
    socket.restart();
    await until("ready", () => told.length === WAITED.length);
    expect(told).toEqual(WAITED);
    made.close();
    await socket.closed;
  });
});

test("B52: a loss of the path before open is told after it", async () => {
  const accepts = called<[() => void]>();
  const { url } = await serveEcho({
    upgrade: () => new Promise((resolve) => accepts.fn(() => resolve(undefined))),
  });
  const told: unknown[] = [];
  const first = called<[WebSocketConnection]>();
  const opening = open(url, {
    state: first.fn,
    open: () => told.push("open()"),
    viable: (socket, viable) => told.push([socket.state, viable]),
  });
  const [accept] = await accepts.args;
  const [early] = await first.args;
  network.set("lo", { up: false });
  await until("not viable", () => !early.viable);
  expect(told).toEqual([]);
  accept();
  const socket = await opening;
  expect(told).toEqual(["open()", ["ready", false]]);
  expect(socket.viable).toBe(false);
});
