// The WHATWG's WebSocket: its interface, its rules, its events, against servers of hawser and ws.

import { once } from "node:events";
import { describe, expect, test, vi } from "vitest";
import { type ErrorEvent, WebSocket } from "../../lib/index.ts";
import { afterTest, Raw, serve, serveEcho, serveWs } from "./support.ts";

function make(...args: ConstructorParameters<typeof WebSocket>): WebSocket {
  const socket = new WebSocket(...args);
  afterTest(async () => {
    if (socket.readyState === 3) return;
    socket.close();
    await once(socket, "close");
  });
  return socket;
}

async function event<E extends Event>(socket: WebSocket, type: string): Promise<E> {
  return (await once(socket, type))[0] as E;
}

const named = (name: string) => expect.objectContaining({ name });

/** Where nobody listens. */
const LOST = "ws://127.0.0.1:1";

describe("the constructor", () => {
  test.each([
    ["nonsense", "http://"],
    ["another scheme", "ftp://example.com"],
    ["a fragment", "ws://example.com/#a"],
    ["an empty fragment", "ws://example.com/#"],
  ])("throws SyntaxError for %s", (_, url) => {
    expect(() => new WebSocket(url)).toThrow(named("SyntaxError"));
  });

  test.each([[["a", "a"]], [["a", "A"]], [[""]], ["a b"], [["a,b"]]])(
    "throws SyntaxError for the subprotocols %j",
    (protocols) => {
      expect(() => new WebSocket("ws://127.0.0.1:1", protocols)).toThrow(named("SyntaxError"));
    },
  );

  test("takes http: for ws:, and says the URL as the parser does", async () => {
    const { port } = await serveEcho();
    const socket = make(`http://127.0.0.1:${port}/a/../b`);
    expect(socket.url).toBe(`ws://127.0.0.1:${port}/b`);
    expect(socket.readyState).toBe(0);
    expect([socket.protocol, socket.extensions, socket.bufferedAmount]).toEqual(["", "", 0]);
    await event(socket, "open");
    expect(socket.readyState).toBe(1);
  });

  test("has the constants, on the class and on objects", () => {
    expect([WebSocket.CONNECTING, WebSocket.OPEN, WebSocket.CLOSING, WebSocket.CLOSED]).toEqual([
      0, 1, 2, 3,
    ]);
    expect(Object.prototype.toString.call(WebSocket.prototype)).toBe("[object WebSocket]");
  });

  test("has its members as Web IDL puts them: enumerable, constants not to be changed", () => {
    const { prototype } = WebSocket;
    const shown: string[] = [];
    for (const name in prototype) if (!(name in EventTarget.prototype)) shown.push(name);
    expect(shown.sort()).toEqual(
      [
        ...["CLOSED", "CLOSING", "CONNECTING", "OPEN", "binaryType", "bufferedAmount", "close"],
        ...["extensions", "onclose", "onerror", "onmessage", "onopen", "protocol", "readyState"],
        ...["send", "url"],
      ].sort(),
    );
    for (const where of [WebSocket, prototype]) {
      expect(Object.getOwnPropertyDescriptor(where, "CLOSED")).toEqual({
        value: 3,
        enumerable: true,
        writable: false,
        configurable: false,
      });
    }
    expect([WebSocket.length, prototype.send.length, prototype.close.length]).toEqual([1, 1, 0]);
    const socket = new WebSocket("ws://127.0.0.1:1");
    expect([Object.keys(socket), socket.OPEN]).toEqual([[], 1]);
  });

  test("what is missing, a symbol, and options in the place of subprotocols are TypeErrors", () => {
    const Any = WebSocket as unknown as new (...args: unknown[]) => WebSocket;
    for (const wrong of [[], [Symbol("x")], [LOST, Symbol("x")], [LOST, [Symbol("x")]]]) {
      expect(() => new Any(...wrong), String(wrong.length)).toThrow(TypeError);
    }
    expect(() => new Any(LOST, { headers: { a: "b" } })).toThrow(/options come after them/);
    expect(() => new Any(LOST, new Set(["a", "A"]))).toThrow(DOMException);
    const socket = new Any(LOST, new Set(["a", "b"]));
    expect(() => (socket.send as () => void)()).toThrow(TypeError);
  });

  test("sends headers and subprotocols", async () => {
    const { url } = await serve({
      upgrade: ({ headers, protocols }) => ({
        protocol: protocols[1],
        headers: { "X-Got": String(headers["x-token"]) },
      }),
      open: (socket) => void socket.write("ready"),
    });
    const socket = make(url, ["a", "b"], { headers: { "X-Token": "t" } });
    await event(socket, "message");
    expect(socket.protocol).toBe("b");
  });
});

describe("messages", () => {
  test("come as string, Blob or ArrayBuffer, with the origin", async () => {
    const { url } = await serveEcho();
    const socket = make(url);
    await event(socket, "open");
    socket.send("text");
    const text = await event<MessageEvent>(socket, "message");
    expect([text.data, text.origin]).toEqual(["text", url]);
    socket.send(Uint8Array.of(1, 2, 3).subarray(1));
    const blob = (await event<MessageEvent>(socket, "message")).data;
    expect(blob).toBeInstanceOf(Blob);
    expect([...new Uint8Array(await blob.arrayBuffer())]).toEqual([2, 3]);
    socket.binaryType = "arraybuffer";
    socket.binaryType = "other" as never;
    expect(socket.binaryType).toBe("arraybuffer");
    socket.send(Uint8Array.of(4, 5).buffer);
    const { data } = await event<MessageEvent>(socket, "message");
    expect(data).toBeInstanceOf(ArrayBuffer);
    expect([...new Uint8Array(data)]).toEqual([4, 5]);
  });

  test("keep their order behind a Blob, and close() waits for it", async () => {
    const got: string[] = [];
    const url = await serveWs((peer) => peer.on("message", (data) => got.push(String(data))));
    const socket = make(url);
    await event(socket, "open");
    socket.send(new Blob(["blob"]));
    socket.send("after");
    expect(socket.bufferedAmount).toBe(9);
    socket.close(3_000);
    await event(socket, "close");
    expect(got).toEqual(["blob", "after"]);
  });

  test("bufferedAmount counts bytes without framing, and keeps what came too late", async () => {
    const { url } = await serveEcho();
    const socket = make(url);
    expect(() => socket.send("early")).toThrow(named("InvalidStateError"));
    await event(socket, "open");
    socket.send("äöü");
    expect(socket.bufferedAmount).toBe(6);
    await event(socket, "message");
    expect(socket.bufferedAmount).toBe(0);
    socket.close();
    socket.send("late");
    expect(socket.bufferedAmount).toBe(4);
    await event(socket, "close");
    socket.send("x");
    expect(socket.bufferedAmount).toBe(5);
  });

  test("what is the caller's may change after send()", async () => {
    const { url } = await serveEcho();
    const socket = make(url);
    socket.binaryType = "arraybuffer";
    await event(socket, "open");
    const bytes = Buffer.alloc(50_000, 1);
    socket.send(bytes);
    bytes.fill(2);
    const { data } = await event<MessageEvent>(socket, "message");
    expect(Buffer.from(data).equals(Buffer.alloc(50_000, 1))).toBe(true);
  });
});

describe("closing", () => {
  test("close() gives the codes of both sides and wasClean", async () => {
    const { url } = await serveEcho();
    const socket = make(url);
    await event(socket, "open");
    socket.close(3_333, "why");
    expect(socket.readyState).toBe(2);
    expect(await event(socket, "close")).toMatchObject({ code: 3_333, wasClean: true });
    expect(socket.readyState).toBe(3);
    socket.close();
  });

  test("without arguments the Close is empty, and the code 1005", async () => {
    const codes: number[] = [];
    const url = await serveWs((peer) => peer.on("close", (code) => codes.push(code)));
    const socket = make(url);
    await event(socket, "open");
    socket.close();
    expect(await event(socket, "close")).toMatchObject({ code: 1_005, wasClean: true });
    await vi.waitFor(() => expect(codes).toEqual([1_005]));
  });

  test("wrong codes are InvalidAccessError, long reasons SyntaxError", async () => {
    const { url } = await serveEcho();
    const socket = make(url);
    for (const code of [0, 999, 1_001, 1_005, 2_999, 5_000, Number.NaN]) {
      expect(() => socket.close(code)).toThrow(named("InvalidAccessError"));
    }
    expect(() => socket.close(1_000, "x".repeat(124))).toThrow(named("SyntaxError"));
    await event(socket, "open");
  });

  test("close() before open fires error and then close with 1006", async () => {
    const { url } = await serveEcho();
    const socket = make(url);
    const types: string[] = [];
    socket.onopen = () => types.push("open");
    socket.onerror = () => types.push("error");
    socket.close();
    expect(socket.readyState).toBe(2);
    expect(await event(socket, "close")).toMatchObject({ code: 1_006, wasClean: false });
    expect(types).toEqual(["error"]);
  });

  test("a reset is an error event and close with 1006", async () => {
    const url = await serveWs((peer) => peer.terminate());
    const socket = make(url);
    const error = event<ErrorEvent>(socket, "error");
    const closed = event(socket, "close");
    expect((await error).error).toMatchObject({ name: "HawserError" });
    expect(await closed).toMatchObject({ code: 1_006, wasClean: false });
  });

  test("B43: a refused upgrade is an error event with the response, then close", async () => {
    const { url } = await serve({ upgrade: () => ({ status: 418, body: "tea" }) });
    const socket = make(url);
    const closed = event(socket, "close");
    const { error } = await event<ErrorEvent>(socket, "error");
    expect(error).toMatchObject({ response: { status: 418 } });
    expect(await closed).toMatchObject({ code: 1_006 });
  });

  test("no message event comes after close()", async () => {
    const { port } = await serve({
      message(socket) {
        socket.write("one");
        socket.write("two");
      },
    });
    const socket = make(`ws://127.0.0.1:${port}`);
    await event(socket, "open");
    const got: unknown[] = [];
    socket.onmessage = ({ data }) => {
      got.push(data);
      socket.close();
    };
    socket.send("go");
    await event(socket, "close");
    expect(got).toEqual(["one"]);
  });
});

describe("event handler attributes", () => {
  test("keep their place when set again, and null takes them out", async () => {
    const { url } = await serveEcho();
    const socket = make(url);
    const calls: string[] = [];
    socket.onopen = () => calls.push("first");
    socket.addEventListener("open", () => calls.push("listener"));
    socket.onopen = () => calls.push("second");
    socket.onmessage = () => calls.push("never");
    socket.onmessage = "no function" as never;
    expect(socket.onmessage).toBeNull();
    await event(socket, "open");
    expect(calls).toEqual(["second", "listener"]);
  });

  test("a silent server does not hold close() before open", async () => {
    const { createServer } = await import("node:net");
    const server = createServer((peer) => void peer.on("error", () => {}));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    afterTest(() => server.close());
    const { port } = server.address() as { port: number };
    const socket = make(`ws://127.0.0.1:${port}`);
    const raw = new Raw(port);
    await once(raw.socket, "connect");
    socket.close();
    expect(await event(socket, "close")).toMatchObject({ code: 1_006 });
  });
});
