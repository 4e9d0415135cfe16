// WebSockets of which nothing is read: by pause(), or since nobody takes what has come. That such a
// one still ends, at once where it is asked to, and that its heartbeat goes on afterwards.

import { describe, expect, test } from "vitest";
import type { WebSocketConnection } from "../../lib/index.ts";
import { called, open, Raw, request, serve } from "./support.ts";

/** So long that only a time-out that nobody waits for could be meant. */
const closeTimeout = 600_000;

/** A client's messages of one letter each, masked with zeroes, as one chunk. */
const letters = (text: string): Buffer =>
  Buffer.concat([...text].map((one) => Buffer.from(`\x81\x81\0\0\0\0${one}`, "latin1")));

async function openRaw(port: number): Promise<Raw> {
  const raw = new Raw(port);
  raw.write(request());
  await raw.head();
  return raw;
}

describe("ends", () => {
  test("abort() is over at once, and what was held is dropped", async () => {
    const { url } = await serve({
      open(socket) {
        for (const text of ["one", "two", "three"]) socket.write(text);
      },
    });
    const got: unknown[] = [];
    const held = called<[]>();
    const socket = await open(url, {
      closeTimeout,
      message(own, message) {
        got.push(message);
        own.pause();
        held.fn();
      },
    });
    await held.args;
    socket.abort();
    expect(await socket.closed).toMatchObject({ code: 1_006, initiator: "local", error: null });
    expect(got).toEqual(["one"]);
  });

  test("who is aborted by a listener that closes is told at once", async () => {
    const closed = called<[unknown, number]>();
    const held = called<[]>();
    const { listener, port } = await serve({
      closeTimeout,
      message(socket) {
        socket.pause();
        held.fn();
      },
      close: (socket, code) => closed.fn(socket, code),
    });
    const raw = await openRaw(port);
    raw.write(letters("abc"));
    await held.args;
    const opened = [...listener.connections];
    for (const socket of opened) socket.connection.abort();
    expect((await closed.args)[1]).toBe(1_006);
  });

  test("B42: pause() after close() does not hide the peer's Close", async () => {
    const { url } = await serve({ open: () => {} });
    const socket = await open(url, { closeTimeout });
    const closed = socket.close();
    expect(socket.pause().isPaused).toBe(false);
    expect(await closed).toMatchObject({ code: 1_000, wasClean: true, error: null });
  });
});

describe("a heartbeat, after a time without one that was longer than its interval", () => {
  const heartbeat = { interval: 40, timeout: 60 };
  const longer = () => new Promise((resolve) => setTimeout(resolve, 120));
  const silent = { error: { code: "ETIMEDOUT", reason: "HEARTBEAT_TIMEOUT" } };

  test("B14: finds a silent peer when resume() was called", async () => {
    const opened = called<[WebSocketConnection]>();
    const { port } = await serve({ heartbeat, open: (socket) => opened.fn(socket) });
    await openRaw(port);
    const [socket] = await opened.args;
    socket.pause();
    await longer();
    expect(socket.state).toBe("ready");
    socket.resume();
    expect(await socket.closed).toMatchObject(silent);
  });

  test("B14: finds a silent peer when what had come was taken", async () => {
    const opened = called<[WebSocketConnection]>();
    const { port } = await serve({ heartbeat, receiveHighWaterMark: 1 }, (socket) => {
      opened.fn(socket);
      return socket.closed;
    });
    const raw = await openRaw(port);
    const [socket] = await opened.args;
    raw.write(letters("abc"));
    expect(await socket.receive()).toBe("a");
    await longer();
    expect(await socket.receive()).toBe("b");
    expect(await socket.receive()).toBe("c");
    expect(await socket.closed).toMatchObject(silent);
  });
});
