// createWebSocketStream of hawser/ws beside that of `ws`: the same stream over the same server.

import { once } from "node:events";
import { describe, expect, test, vi } from "vitest";
import WS, { createWebSocketStream as createOther } from "ws";
import { createWebSocketStream, WebSocket } from "../../lib/websocket/ws.ts";
import { afterTest, serve, serveEcho } from "./support.ts";

// biome-ignore lint/suspicious/noExplicitAny: two classes that are meant to be the same
type Any = any;

const packages: [name: string, Class: Any, create: Any][] = [
  ["hawser/ws", WebSocket, createWebSocketStream],
  ["ws", WS, createOther],
];

describe.each(packages)("%s", (_, Class, create) => {
  function make(url: string, options: object = {}) {
    const socket = new Class(url, { perMessageDeflate: false });
    socket.on("error", () => {});
    const stream = create(socket, options);
    stream.on("error", () => {});
    afterTest(() => socket.terminate());
    return { socket, stream };
  }

  test("what is written before it is open goes out, and comes back as bytes", async () => {
    const { url } = await serveEcho();
    const { stream } = make(url);
    stream.write("early");
    const [bytes] = await once(stream, "data");
    expect(bytes).toEqual(Buffer.from("early"));
    stream.setEncoding("utf8");
    stream.write(Buffer.from("é"));
    expect((await once(stream, "data"))[0]).toBe("é");
  });

  test("in object mode texts are strings", async () => {
    const { url } = await serve({
      open(peer) {
        peer.write("text");
        peer.write(Buffer.of(1));
      },
    });
    const { stream } = make(url, { readableObjectMode: true });
    const got: unknown[] = [];
    for await (const one of stream) if (got.push(one) === 2) break;
    expect(got).toEqual(["text", Buffer.of(1)]);
  });

  test("end() closes the WebSocket, after what was written", async () => {
    const messages: unknown[] = [];
    const closed = new Promise<number>((resolve) => {
      void serve({
        message: (__, message) => messages.push(String(message)),
        close: (__, code) => resolve(code),
      }).then(({ url }) => {
        const { stream } = make(url);
        stream.resume();
        stream.write("one");
        stream.end("two");
      });
    });
    expect(await closed).toBe(1_005);
    expect(messages).toEqual(["one", "two"]);
  });

  test("the peer's Close ends it, and it closes once", async () => {
    const { url } = await serve({
      open(peer) {
        peer.write("last");
        void peer.close();
      },
    });
    const { stream } = make(url);
    const chunks: string[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(String(chunk)));
    await once(stream, "end");
    stream.end();
    await once(stream, "close");
    expect([chunks, stream.destroyed]).toEqual([["last"], true]);
  });

  test("destroy() terminates the WebSocket, with the error where one is given", async () => {
    const { url } = await serve({ message: () => {} });
    const { socket, stream } = make(url);
    await once(socket, "open");
    const error = new Error("mine");
    const [failed, closed] = [once(stream, "error"), once(socket, "close")];
    stream.destroy(error);
    expect((await failed)[0]).toBe(error);
    expect((await closed)[0]).toBe(1_006);
    expect(socket.readyState).toBe(3);
  });

  test("a WebSocket that cannot be opened destroys it with that error", async () => {
    const { stream } = make("ws://127.0.0.1:1");
    const [error] = await once(stream, "error");
    expect(error.code).toBe("ECONNREFUSED");
    expect(stream.destroyed).toBe(true);
  });

  test("a stream that is not read pauses the WebSocket", async () => {
    const { url } = await serve({
      open(peer) {
        for (let n = 0; n < 50; n++) peer.write(Buffer.alloc(10_000, n));
        void peer.close();
      },
    });
    const { socket, stream } = make(url);
    await vi.waitFor(() => expect(socket.isPaused).toBe(true));
    let total = 0;
    for await (const chunk of stream) total += chunk.length;
    expect(total).toBe(500_000);
  });
});
