// The `state` callback of WebSockets: what it is told and when, before `open` as well, and what can
// be done with a WebSocket that is not open yet. Waiting for the network: paths.test.ts.

import { describe, expect, test, vi } from "vitest";
import type {
  CloseResult,
  ConnectionState,
  HawserError,
  WebSocketConnection,
  WebSocketConnectOptions,
} from "../../lib/index.ts";
import { connect, WebSocket } from "../../lib/index.ts";
import { collectUncaught } from "../net/support.ts";
import { called, open, Raw, request, serve, serveEcho } from "./support.ts";

type Told = (string | null)[];

/** Options that note everything that is told, in its order. */
function noting(): { readonly told: Told; readonly options: WebSocketConnectOptions } {
  const told: Told = [];
  const options: WebSocketConnectOptions = {
    open: () => told.push("open()"),
    close: (_socket, code) => told.push(`close(${code})`),
    state: (_socket, state, reason) =>
      told.push(reason === null ? state : `${state}: ${reason.code}`),
  };
  return { told, options };
}

/** Lets connect() get as far as `preparing`, and gives what the callback gave. */
async function early(
  url: string,
  use: (socket: WebSocketConnection) => unknown,
  options: WebSocketConnectOptions = {},
): Promise<{ readonly outcome: unknown; readonly socket: WebSocketConnection }> {
  let first: WebSocketConnection | null = null;
  const connecting = connect(url as `ws://${string}`, {
    ...options,
    state: (socket, state, reason) => {
      options.state?.(socket, state, reason);
      if (first !== null) return;
      first = socket;
      use(socket);
    },
  });
  const outcome = await connecting.catch((error: unknown) => error);
  return { outcome, socket: first as unknown as WebSocketConnection };
}

describe("what is told", () => {
  test("to a client: how it comes, then how it goes; open first but for states, close last", async () => {
    const { url } = await serveEcho();
    const { told, options } = noting();
    const socket = await open(url, options);
    expect(await socket.close(4_000)).toMatchObject({ code: 4_000 });
    expect(told).toEqual(["preparing", "open()", "ready", "closing", "closed", "close(4000)"]);
    expect([socket.state, socket.stateReason]).toEqual(["closed", null]);
  });

  test("to a server, from ready on", async () => {
    const { told, options } = noting();
    const closed = called<unknown[]>();
    const { url } = await serve({
      ...(options as object),
      message() {},
      close: (socket, code, reason, error) => {
        options.close?.(socket, code, reason, error);
        closed.fn();
      },
    });
    await (await open(url)).close();
    await closed.args;
    expect(told).toEqual(["open()", "closing", "closed", "close(1000)"]);
  });

  test("a failure with its reason, which stays in stateReason", async () => {
    const { told, options } = noting();
    const { url } = await serve({ message: (peer) => peer.abort() });
    const socket = await open(url, options);
    socket.write("leave");
    const { error } = await socket.closed;
    expect(told.at(-2)).toBe(`failed: ${error?.code}`);
    expect(told.at(-1)).toBe("close(1006)");
    expect(socket.stateReason).toBe(error);
  });

  test("nobody is taken for the iteration where a listener has this callback alone", async () => {
    const { listener } = await serve({ state() {} });
    expect(() => listener[Symbol.asyncIterator]()).toThrow(/callbacks/);
  });

  test("a refused upgrade is failed, with the answer; there is no close without open", async () => {
    const { told, options } = noting();
    const { url } = await serve({ upgrade: () => ({ status: 403 }) });
    const refused: HawserError = await connect(url, options).then(
      () => expect.unreachable(),
      (error) => error,
    );
    expect(refused.response?.status).toBe(403);
    await vi.waitFor(() => expect(told).toEqual(["preparing", `failed: ${refused.code}`]));
  });

  test("an options object without it costs no callback: TypeErrors name it as they do others", async () => {
    const wrong = { state: "waiting" as never };
    await expect(connect("ws://127.0.0.1:1", wrong)).rejects.toThrow(/state.*function/);
    await expect(connect("ws://127.0.0.1:1", { stat() {} } as never)).rejects.toThrow(/state/);
  });
});

describe("before open", () => {
  test("it is the one that connect() gives, and keeps its data", async () => {
    const { url } = await serveEcho();
    const { outcome, socket } = await early(`${url}/chat`, (one) => {
      one.data = "mine";
      expect([one.state, one.url, one.protocol, one.extensions]).toEqual([
        "preparing",
        `${url}/chat`,
        "",
        "",
      ]);
    });
    expect(outcome).toBe(socket);
    expect(socket.data).toBe("mine");
    await socket.close();
  });

  test("nothing is sent: write and ping say false, send rejects with ENOTCONN", async () => {
    const { url, listener } = await serveEcho({ perMessageDeflate: true });
    const answers: unknown[] = [];
    const { socket } = await early(url, (one) => {
      answers.push(one.write("early"), one.ping(), one.pong());
      one.send("early").catch((error: HawserError) => answers.push(error.code));
    });
    await socket.send("x".repeat(2_000));
    expect(answers).toEqual([false, false, false, "ENOTCONN"]);
    expect(await socket.receive()).toBe("x".repeat(2_000));
    expect(socket.extensions).toMatch(/^permessage-deflate/);
    expect(listener.connections.size).toBe(1);
    await socket.close();
  });

  test.each([
    ["close", (one: WebSocketConnection) => one.close(4_000, "enough")],
    ["abort", (one: WebSocketConnection) => one.abort()],
    ["close of the stream beneath", (one: WebSocketConnection) => one.connection.close()],
  ])("%s ends the establishment: ECANCELED, and closed is told", async (_, end) => {
    const { url, listener } = await serveEcho();
    const { told, options } = noting();
    let closed: Promise<CloseResult> | null = null;
    const { outcome, socket } = await early(
      url,
      (one) => {
        closed = one.closed;
        end(one);
      },
      options,
    );
    expect(outcome).toMatchObject({ code: "ECANCELED" });
    expect(await closed).toMatchObject({ error: null, initiator: "local", code: 1006 });
    expect(told).toEqual(["preparing", "closed"]);
    expect([socket.state, socket.write("late")]).toEqual(["closed", false]);
    expect(await socket.close()).toBe(await closed);
    await expect(socket.send("late")).rejects.toMatchObject({ code: "EPIPE" });
    await expect(socket.receive()).rejects.toMatchObject({ code: "ECANCELED" });
    expect(listener.connections.size).toBe(0);
  });

  test("a wrong code is a RangeError there too, and ends nothing", async () => {
    const { url } = await serveEcho();
    const { outcome, socket } = await early(url, (one) => {
      expect(() => one.close(1005)).toThrow(RangeError);
    });
    expect(outcome).toBe(socket);
    await socket.close();
  });

  test("receive() and pause() are for what follows", async () => {
    const { url } = await serve({ open: (peer) => void peer.write("hello") });
    let first: Promise<unknown> = Promise.resolve();
    const { socket } = await early(url, (one) => {
      one.pause();
      first = one.receive();
    });
    const isHeld = await Promise.race([
      first.then(() => false),
      new Promise((resolve) => setTimeout(resolve, 50, true)),
    ]);
    expect([isHeld, socket.isPaused]).toEqual([true, true]);
    // Nothing is read from the kernel either.
    expect((socket.connection as unknown as { readonly isHeld: boolean }).isHeld).toBe(true);
    socket.resume();
    expect(await first).toBe("hello");
    await socket.close();
  });

  test("B20: a receive() that waits hears of the failure, before connect() is told", async () => {
    const { url } = await serve({ upgrade: () => ({ status: 500 }) });
    let first: Promise<unknown> = Promise.resolve();
    const { outcome } = await early(url, (one) => {
      first = one.receive().catch((error: unknown) => error);
    });
    expect(await first).toBe(outcome);
  });

  test("signal ends it as failed with ECANCELED, whose cause is the reason", async () => {
    const { told, options } = noting();
    const stop = new AbortController();
    const why = new Error("enough");
    const { url } = await serveEcho();
    const { outcome, socket } = await early(url, () => stop.abort(why), {
      ...options,
      signal: stop.signal,
    });
    expect(outcome).toBe(why);
    expect((await socket.closed).error).toMatchObject({ code: "ECANCELED", cause: why });
    expect(told).toEqual(["preparing", "failed: ECANCELED"]);
  });

  test("B55: what the callback throws ends the establishment, and is reported", async () => {
    const { url } = await serveEcho();
    await collectUncaught(async (errors) => {
      const broken = new Error("broken");
      const { outcome } = await early(url, () => {
        throw broken;
      });
      expect(outcome).toMatchObject({ code: "ECANCELED" });
      await vi.waitFor(() => expect(errors).toEqual([broken]));
    });
  });
});

test("the WHATWG's class takes it as an option", async () => {
  const { url } = await serveEcho();
  const states: ConnectionState[] = [];
  const socket = new WebSocket(url, [], { state: (_one, state) => states.push(state) });
  await new Promise((resolve) => socket.addEventListener("open", resolve));
  socket.close();
  await new Promise((resolve) => socket.addEventListener("close", resolve));
  expect(states).toEqual(["preparing", "ready", "closing", "closed"]);
});

test("closed is told last, also to who asks for it when the end is known already", async () => {
  const order: string[] = [];
  const { url } = await serveEcho();
  const ended = called<unknown[]>();
  const socket = await open(url, {
    state: (one, state) => {
      if (state !== "closed") return;
      void one.closed.then(() => {
        order.push("closed");
        ended.fn();
      });
      order.push("state");
    },
    close: () => order.push("close()"),
  });
  void socket.abort();
  await ended.args;
  expect(order).toEqual(["state", "close()", "closed"]);
});

test("a peer that leaves without a Close is told as closing, then failed", async () => {
  const { told, options } = noting();
  const closed = called<unknown[]>();
  const { port } = await serve({
    ...(options as object),
    message() {},
    close: () => closed.fn(),
  });
  const raw = new Raw(port);
  raw.write(request());
  await raw.head();
  raw.socket.end();
  await closed.args;
  expect(told.slice(0, 2)).toEqual(["open()", "closing"]);
  expect(told[2]).toMatch(/^failed: /);
});
