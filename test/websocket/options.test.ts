// The options of WebSockets: what is the protocol's, what the stream's beneath, what is refused.

import { AsyncLocalStorage } from "node:async_hooks";
import { describe, expect, test } from "vitest";
import { parseClientOptions, parseListenerArguments } from "../../lib/websocket/options.ts";

describe("what goes where", () => {
  test("defaults: no compression on a server, compression on a client, finite limits", () => {
    const server = parseListenerArguments().shared.settings;
    const client = parseClientOptions().shared.settings;
    expect([server.role, client.role]).toEqual(["server", "client"]);
    expect(server.deflate).toBeNull();
    expect(client.deflate?.threshold).toBe(1_024);
    for (const bound of Object.values(server.limits)) expect(Number.isFinite(bound)).toBe(true);
    expect([server.lend, server.stream, server.autoPong]).toEqual([false, false, true]);
    expect(server.watchesTime).toBe(false);
  });

  test("options of the protocol", () => {
    const { shared } = parseListenerArguments({
      maxPayload: 1_000,
      maxFragments: 5,
      heartbeat: { interval: 100 },
      idleTimeout: 200,
      closeTimeout: 300,
      autoPong: false,
      handshakeTimeout: 400,
      maxHeaderSize: 500,
      maxHeaderCount: 6,
      perMessageDeflate: { threshold: 7, serverMaxWindowBits: 9 },
      receiveHighWaterMark: 8_000,
    });
    const { limits, timeouts, deflate, autoPong, watchesTime } = shared.settings;
    expect([limits.maxMessageBytes, limits.maxFragments]).toEqual([1_000, 5]);
    expect(timeouts).toMatchObject({
      heartbeatInterval: 100,
      heartbeatTimeout: 10_000,
      idleTimeout: 200,
      closeTimeout: 300,
    });
    expect([autoPong, watchesTime]).toEqual([false, true]);
    expect(deflate).toMatchObject({ threshold: 7, serverMaxWindowBits: 9 });
    expect(shared.handshake).toEqual({
      handshakeTimeout: 400,
      maxHeaderBytes: 500,
      maxHeaderCount: 6,
    });
    expect([shared.receiveHighWaterMark, shared.closeTimeout]).toEqual([8_000, 300]);
  });

  test("options of the stream pass through, the protocol's do not", () => {
    const { own, stream } = parseClientOptions({
      noDelay: false,
      dropTimeout: 5_000,
      connectTimeout: 1_000,
      closeTimeout: 2_000,
      receiveHighWaterMark: 3_000,
      protocols: "chat",
      maxPayload: 9,
      localPort: undefined,
    });
    expect(stream).toEqual({
      noDelay: false,
      dropTimeout: 5_000,
      connectTimeout: 1_000,
      closeTimeout: 2_000,
      receiveHighWaterMark: 3_000,
    });
    expect(own.protocols).toEqual(["chat"]);
    expect(Object.isFrozen(own.protocols)).toBe(true);
  });

  test("the part callback makes messages come in parts", () => {
    const { settings, handlers } = parseListenerArguments({ part() {}, lend: true }).shared;
    expect([settings.stream, settings.lend]).toEqual([true, true]);
    expect(handlers.part).toBeTypeOf("function");
  });

  test("handlers and callbacks run in the context of their listen()", () => {
    const storage = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const note = () => void seen.push(storage.getStore());
    const { handler, shared } = storage.run("mine", () =>
      parseListenerArguments({ open: note, close: note }, note),
    );
    storage.run("another", () => {
      (shared.handlers.open as () => void)();
      (shared.handlers.close as () => void)();
      (handler as () => void)();
    });
    expect(seen).toEqual(["mine", "mine", "mine"]);
  });

  test("and so do those of a listener itself: upgrade, http, error", () => {
    const storage = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const note = () => void seen.push(storage.getStore());
    const { own } = storage.run("mine", () =>
      parseListenerArguments({ upgrade: note, http: note, error: note }),
    );
    storage.run("another", () => {
      for (const one of [own.upgrade, own.http, own.error]) (one as () => void)();
    });
    expect(seen).toEqual(["mine", "mine", "mine"]);
  });

  test("a handler may stand where the options would, and only once", () => {
    const handler = () => {};
    expect(parseListenerArguments(handler).handler).toBeTypeOf("function");
    expect(() => parseListenerArguments(handler, handler)).toThrow(/last argument/);
    expect(() => parseListenerArguments({}, 5)).toThrow(TypeError);
  });
});

describe("what is refused", () => {
  test.each([
    [{ mesage: () => {} }, /"mesage".*"message"/],
    [{ message: 5 }, /message/],
    [{ maxPayload: 0 }, /maxPayload/],
    [{ maxPayload: 1.5 }, /maxPayload/],
    [{ maxFragments: -1 }, /maxFragments/],
    [{ heartbeat: true }, /heartbeat/],
    [{ heartbeat: { interval: 0 } }, /heartbeat\.interval/],
    [{ heartbeat: { interval: 1, timout: 2 } }, /timout/],
    [{ perMessageDeflate: 1 }, /perMessageDeflate/],
    [{ perMessageDeflate: { level: 10 } }, /level/],
    [{ perMessageDeflate: { serverMaxWindowBits: 7 } }, /serverMaxWindowBits/],
    [{ lend: true }, /lend/],
    [{ lend: true, open: () => {} }, /message or part/],
    [{ message: () => {}, part: () => {} }, /part/],
    [{ allowHalfOpen: true }, /allowHalfOpen/],
    [{ data: () => {} }, /data/],
    [null, /options/],
    [5, /options/],
  ])("%o", (options, message) => {
    const both = options as never;
    expect(() => parseClientOptions(both)).toThrow(message);
    if (options !== null) expect(() => parseListenerArguments(both)).toThrow(message);
  });

  test.each([["a b"], [""], [["a", "a"]], [[1]], [5], [["a,b"]]])(
    "subprotocols %j",
    (protocols) => {
      expect(() => parseClientOptions({ protocols })).toThrow(/protocols/);
    },
  );

  test("what belongs to the other side", () => {
    expect(() => parseClientOptions({ http: () => {} })).toThrow(/http/);
    expect(() => parseClientOptions({ upgrade: () => {} })).toThrow(/upgrade/);
    expect(() => parseListenerArguments({ protocols: ["a"] })).toThrow(/protocols/);
    expect(() => parseListenerArguments({ headers: {} })).toThrow(/headers/);
  });
});
