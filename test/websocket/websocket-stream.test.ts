// The WHATWG's proposed WebSocketStream: its promises, its streams, back-pressure, ends.

import { once } from "node:events";
import { describe, expect, test, vi } from "vitest";
import { WebSocketError, WebSocketStream, type WebSocketStreamInit } from "../../lib/index.ts";
import { afterTest, called, serve, serveEcho, serveWs } from "./support.ts";

const named = (name: string) => expect.objectContaining({ name });

function make(url: string, options: WebSocketStreamInit = {}): WebSocketStream {
  const stream = new WebSocketStream(url, options);
  afterTest(() => {
    stream.close();
    return stream.closed.catch(() => {});
  });
  return stream;
}

describe("opening", () => {
  test("opened has the streams, the subprotocol and the extensions; url is as parsed", async () => {
    const { port } = await serveEcho({ perMessageDeflate: true });
    const stream = make(`http://127.0.0.1:${port}/a/../b`, { protocols: ["one", "two"] });
    expect(stream.url).toBe(`ws://127.0.0.1:${port}/b`);
    const info = await stream.opened;
    expect(info.protocol).toBe("one");
    expect(info.extensions).toContain("permessage-deflate");
    expect(info.readable).toBeInstanceOf(ReadableStream);
    expect(info.writable).toBeInstanceOf(WritableStream);
    expect(await stream.opened).toBe(info);
    expect(String(stream)).toBe("[object WebSocketStream]");
  });

  test("wrong URLs, subprotocols and options throw", () => {
    expect(() => new WebSocketStream("ftp://a")).toThrow(named("SyntaxError"));
    expect(() => new WebSocketStream("ws://a/#b")).toThrow(named("SyntaxError"));
    const twice = { protocols: ["a", "a"] };
    expect(() => new WebSocketStream("ws://a", twice)).toThrow(named("SyntaxError"));
    expect(() => new WebSocketStream("ws://a", { signl: 1 } as never)).toThrow(/signal/);
    expect(() => new WebSocketStream("ws://a", { signal: 1 } as never)).toThrow(TypeError);
  });

  test("a refusal rejects both promises with a WebSocketError, with its cause", async () => {
    const { url } = await serve({ upgrade: () => ({ status: 403 }) });
    const stream = new WebSocketStream(url);
    const error: WebSocketError = await stream.opened.catch((reason) => reason);
    expect(error).toBeInstanceOf(WebSocketError);
    expect(error.closeCode).toBe(1_006);
    expect(error.cause).toMatchObject({ response: { status: 403 } });
    await expect(stream.closed).rejects.toBe(error);
  });

  test("a signal ends the handshake with its reason, and does nothing afterwards", async () => {
    const asked = called<[unknown]>();
    const slow = await serve({
      upgrade(info) {
        asked.fn(info);
        return new Promise(() => {});
      },
    });
    const controller = new AbortController();
    const { signal } = controller;
    const stream = new WebSocketStream(slow.url, { signal });
    await asked.args;
    const reason = new Error("enough");
    const { url } = await serveEcho();
    const later = new AbortController();
    const open = make(url, { signal: later.signal });
    const { readable, writable } = await open.opened;
    controller.abort(reason);
    later.abort(reason);
    await expect(stream.opened).rejects.toBe(reason);
    await expect(stream.closed).rejects.toBe(reason);
    const aborted = new WebSocketStream(url, { signal });
    await expect(aborted.opened).rejects.toBe(reason);
    await expect(aborted.closed).rejects.toBe(reason);
    await writable.getWriter().write("alive");
    expect((await readable.getReader().read()).value).toBe("alive");
  });

  test("close() before it is open rejects both promises", async () => {
    const { url } = await serveEcho();
    const stream = new WebSocketStream(url);
    stream.close();
    await expect(stream.opened).rejects.toMatchObject({ name: "WebSocketError", closeCode: 1_006 });
    await expect(stream.closed).rejects.toBeInstanceOf(WebSocketError);
  });
});

describe("messages", () => {
  test("strings are text, bytes binary; what comes is a string or a plain Uint8Array", async () => {
    const { url } = await serveEcho();
    const { readable, writable } = await make(url).opened;
    const [reader, writer] = [readable.getReader(), writable.getWriter()];
    const sent = [
      "text",
      Uint8Array.of(1, 2),
      Uint8Array.of(3, 4).buffer,
      new DataView(Uint8Array.of(5, 6, 7).buffer, 1),
      Buffer.alloc(100_000, "b"),
      "",
    ];
    for (const message of sent) void writer.write(message);
    const got: unknown[] = [];
    for (const _ of sent) got.push((await reader.read()).value);
    expect(got.slice(0, 4)).toEqual([
      "text",
      Uint8Array.of(1, 2),
      Uint8Array.of(3, 4),
      Uint8Array.of(6, 7),
    ]);
    expect((got[1] as object).constructor).toBe(Uint8Array);
    expect(Buffer.from(got[4] as Uint8Array).equals(Buffer.alloc(100_000, "b"))).toBe(true);
    expect((got[4] as Uint8Array).buffer.byteLength).toBe(100_000);
    expect(got[5]).toBe("");
    void writer.write(17 as never);
    expect((await reader.read()).value).toBe("17");
  });

  test("it can be piped through itself", async () => {
    const { url } = await serve({}, async (socket) => {
      for (let n = 0; n < 100; n++) await socket.send(`${n}`);
      let sum = 0;
      for (let n = 0; n < 100; n++) sum += Number(await socket.receive());
      await socket.close(4_000 + (sum === 4_950 ? 1 : 0));
    });
    const stream = make(url);
    const { readable, writable } = await stream.opened;
    void readable.pipeTo(writable).catch(() => {});
    expect(await stream.closed).toMatchObject({ closeCode: 4_001 });
  });

  test("a readable that is not read closes the window", async () => {
    const stalled = called<[number]>();
    const { url } = await serve({ perMessageDeflate: false }, async (socket) => {
      const message = Buffer.alloc(50_000);
      let sent = 0;
      while (socket.bufferedAmount < 200_000) {
        socket.write(message);
        sent++;
        await new Promise(setImmediate);
      }
      stalled.fn(sent);
      await socket.closed;
    });
    const { readable } = await make(url).opened;
    const [sent] = await stalled.args;
    const reader = readable.getReader();
    for (let n = 0; n < sent; n++) {
      const { value } = await reader.read();
      expect(value?.length).toBe(50_000);
    }
  });

  test("a peer that does not read stops the writer", async () => {
    let read: (value?: unknown) => void = () => {};
    const started = new Promise((resolve) => {
      read = resolve;
    });
    const { url } = await serve({}, async (socket) => {
      await started;
      for await (const _ of socket);
    });
    const { writable } = await make(url, { perMessageDeflate: false }).opened;
    const writer = writable.getWriter();
    const message = new Uint8Array(100_000);
    let isBlocked = false;
    for (let n = 0; n < 1_000 && !isBlocked; n++) {
      const written = writer.write(message);
      const late = new Promise((resolve) => setTimeout(resolve, 200, "late"));
      isBlocked = (await Promise.race([written, late])) === "late";
    }
    expect(isBlocked).toBe(true);
    expect(writer.desiredSize).toBe(0);
    read();
    await writer.ready;
  });
});

describe("closing", () => {
  test.each([
    [undefined, 1_005, ""],
    [{}, 1_005, ""],
    [{ closeCode: 3_456, reason: "pizza" }, 3_456, "pizza"],
    [{ reason: "why" }, 1_000, "why"],
    [{ closeCode: 1_000 }, 1_000, ""],
  ])("B42: close(%j) is answered with %i %j", async (info, closeCode, reason) => {
    const { url } = await serveEcho();
    const stream = make(url);
    const { readable, writable } = await stream.opened;
    const writer = writable.getWriter();
    stream.close(info);
    stream.close({ closeCode: 4_000 });
    // RFC 6455 section 7.1.5: the code is the peer's, whose Close has no reason of its own.
    const closed = await stream.closed;
    expect(closed.closeCode).toBe(closeCode);
    expect(["", reason]).toContain(closed.reason);
    expect(await readable.getReader().read()).toEqual({ done: true, value: undefined });
    await expect(writer.closed).rejects.toEqual(named("InvalidStateError"));
    await expect(writer.write("late")).rejects.toEqual(named("InvalidStateError"));
  });

  test("wrong codes and reasons throw, and it stays open", async () => {
    const { url } = await serveEcho();
    const stream = make(url);
    const { readable, writable } = await stream.opened;
    expect(() => stream.close({ closeCode: 1_001 })).toThrow(named("InvalidAccessError"));
    expect(() => stream.close({ closeCode: 70_000 })).toThrow(TypeError);
    expect(() => stream.close({ reason: "x".repeat(124) })).toThrow(named("SyntaxError"));
    expect(() => stream.close({ code: 1_000 } as never)).toThrow(/closeCode/);
    await writable.getWriter().write("alive");
    expect((await readable.getReader().read()).value).toBe("alive");
  });

  test("the peer's Close ends both streams, after all messages", async () => {
    const url = await serveWs((socket) => {
      socket.send("one");
      socket.send("two");
      socket.close(4_321, "done");
    });
    const stream = make(url);
    const { readable, writable } = await stream.opened;
    expect(await stream.closed).toEqual({ closeCode: 4_321, reason: "done" });
    const got: unknown[] = [];
    for await (const message of readable) got.push(message);
    expect(got).toEqual(["one", "two"]);
    await expect(writable.getWriter().closed).rejects.toEqual(named("InvalidStateError"));
  });

  test("closing the writable sends an empty Close, after what was written", async () => {
    const codes = called<[number, unknown[]]>();
    const url = await serveWs((socket) => {
      const got: unknown[] = [];
      socket.on("message", (data) => got.push(String(data)));
      socket.on("close", (code) => codes.fn(code, got));
    });
    const stream = make(url);
    const { writable } = await stream.opened;
    const writer = writable.getWriter();
    void writer.write("first");
    await writer.close();
    expect(await stream.closed).toEqual({ closeCode: 1_005, reason: "" });
    expect(await codes.args).toEqual([1_005, ["first"]]);
  });

  test.each([
    ["cancel() of the readable", "readable"],
    ["abort() of the writable", "writable"],
  ])("%s closes, with the code of a WebSocketError", async (_, side) => {
    const codes: [number, string][] = [];
    const url = await serveWs((socket) => {
      socket.on("close", (code, reason) => codes.push([code, String(reason)]));
    });
    const reasons = [
      new WebSocketError("", { closeCode: 3_333, reason: "obsolete" }),
      new Error("of another kind"),
    ];
    for (const reason of reasons) {
      const stream = make(url);
      const { readable, writable } = await stream.opened;
      if (side === "readable") await readable.cancel(reason);
      else await writable.abort(reason);
      await stream.closed;
    }
    await vi.waitFor(() =>
      expect(codes).toEqual([
        [3_333, "obsolete"],
        [1_005, ""],
      ]),
    );
  });

  test("a pipe that ends with another WebSocket's failure closes this one, without its code", async () => {
    const code = called<[number]>();
    const sick = make(await serveWs((socket) => socket.terminate()));
    const well = make(await serveWs((socket) => socket.on("close", code.fn)));
    const [from, to] = await Promise.all([sick.opened, well.opened]);
    await expect(from.readable.pipeTo(to.writable)).rejects.toMatchObject({ closeCode: 1_006 });
    expect(await code.args).toEqual([1_005, expect.anything()]);
    expect(await well.closed).toEqual({ closeCode: 1_005, reason: "" });
  });

  test("abort() of the writable closes although a write waits for a peer that does not read", async () => {
    const url = await serveWs((socket) => socket.pause());
    const stream = make(url, { closeTimeout: 50 });
    const { writable } = await stream.opened;
    const writer = writable.getWriter();
    const writes = Array.from({ length: 16 }, () => writer.write(new Uint8Array(4 << 20)));
    for (const write of writes) write.catch(() => {});
    const aborted = writer.abort(new Error("enough"));
    await expect(stream.closed).rejects.toMatchObject({ closeCode: 1_006 });
    await Promise.allSettled([aborted, ...writes]);
  });

  test("a write that fails with the WebSocket rejects with its WebSocketError", async () => {
    const stream = make(
      await serveWs((socket) => void socket.once("message", () => socket.terminate())),
    );
    const { writable } = await stream.opened;
    const writer = writable.getWriter();
    const writes = Array.from({ length: 16 }, () => writer.write(new Uint8Array(4 << 20)));
    const outcomes = await Promise.allSettled(writes);
    const error = await stream.closed.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(WebSocketError);
    const last = outcomes.at(-1) as PromiseRejectedResult;
    expect(last.reason).toBe(error);
    await expect(writer.closed).rejects.toBe(error);
  });

  test("B42: without a Close everything rejects with one WebSocketError of 1006", async () => {
    const url = await serveWs((socket) => {
      socket.send("last words");
      socket.once("message", () => socket.terminate());
    });
    const stream = make(url);
    const { readable, writable } = await stream.opened;
    const [reader, writer] = [readable.getReader(), writable.getWriter()];
    await writer.write("now");
    const error: WebSocketError = await stream.closed.catch((reason) => reason);
    expect(error).toMatchObject({ name: "WebSocketError", closeCode: 1_006, reason: "" });
    expect(error.cause).toMatchObject({ name: "HawserError" });
    await expect(writer.closed).rejects.toBe(error);
    const read = async () => {
      for (;;) if ((await reader.read()).done) return;
    };
    await expect(read()).rejects.toBe(error);
  });

  test("a violation of the protocol is told with what was wrong", async () => {
    const server = await serveFrames(Buffer.of(0xc1, 0x00));
    const stream = make(server);
    const error: WebSocketError = await stream.closed.catch((reason) => reason);
    expect(error.cause).toMatchObject({ code: "ERR_HAWSER_WEBSOCKET_FAILED" });
  });

  test("promises that nobody looks at are no unhandled rejections", async () => {
    const seen = vi.fn();
    process.on("unhandledRejection", seen);
    const stream = new WebSocketStream("ws://127.0.0.1:1");
    await expect(stream.closed).rejects.toBeInstanceOf(WebSocketError);
    const url = await serveWs((socket) => socket.terminate());
    const lost = new WebSocketStream(url);
    await lost.opened;
    await lost.closed.catch(() => {});
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    process.off("unhandledRejection", seen);
    expect(seen).not.toHaveBeenCalled();
  });
});

/** A server that accepts and then says these bytes. */
async function serveFrames(bytes: Buffer): Promise<string> {
  const net = await import("node:net");
  const { createHash } = await import("node:crypto");
  const server = net.createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", (head) => {
      const key = /Sec-WebSocket-Key: (\S+)/i.exec(String(head))?.[1];
      const accept = createHash("sha1")
        .update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
        .digest("base64");
      socket.write(
        `HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
      );
      socket.end(bytes);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  afterTest(() => server.close());
  return `ws://127.0.0.1:${(server.address() as import("node:net").AddressInfo).port}`;
}
