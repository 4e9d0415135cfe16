// toDuplex: how bytes move and how it ends. Where Node says how it must be, the same scenario runs
// over node:net and the logs are compared.

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { Duplex, finished, PassThrough } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { describe, expect, it } from "vitest";
import { toDuplex } from "../../lib/adapters/duplex.ts";
import {
  both,
  cleanUpAfterEach,
  cleanUps,
  closed,
  collect,
  logOf,
  pairOf,
} from "./duplex-support.ts";
import { connections, hawserPair } from "./pairs.ts";

cleanUpAfterEach();

describe("events in Node's order", () => {
  it("a peer that ends: end, finish, close without an error", async () => {
    const { node, hawser } = await both(async ({ client, server }) => {
      const log = logOf(client);
      client.resume();
      server.resume();
      server.end("bye");
      await closed(client);
      return log;
    });
    expect(hawser).toEqual(node);
    expect(hawser).toEqual(["end", "finish", "close false"]);
  });

  it("ending oneself: finish, end, close", async () => {
    const { node, hawser } = await both(async ({ client, server }) => {
      const log = logOf(client);
      client.resume();
      server.resume();
      client.end("bye");
      await closed(client);
      return log;
    });
    expect(hawser).toEqual(node);
    expect(hawser).toEqual(["finish", "end", "close false"]);
  });

  it("destroy(): close alone", async () => {
    const { node, hawser } = await both(async ({ client }) => {
      const log = logOf(client);
      client.destroy();
      await closed(client);
      return [log, client.destroyed, client.readyState];
    });
    expect(hawser).toEqual(node);
  });

  it("destroy(error): error, then close true", async () => {
    const { node, hawser } = await both(async ({ client }) => {
      const log = logOf(client);
      client.destroy(Object.assign(new Error("mine"), { code: "EMINE" }));
      await closed(client);
      return log;
    });
    expect(hawser).toEqual(node);
    expect(hawser).toEqual(["error EMINE", "close true"]);
  });

  it("a reset: error ECONNRESET, then close true", async () => {
    const { node, hawser } = await both(async ({ client, server }) => {
      const log = logOf(client);
      client.resume();
      server.resetAndDestroy();
      await closed(client);
      return log;
    });
    expect(hawser).toEqual(node);
    expect(hawser).toEqual(["error ECONNRESET", "close true"]);
  });

  it("destroySoon(): what was written arrives, and the peer sees a clean end", async () => {
    const { node, hawser } = await both(async ({ client, server }) => {
      const log = logOf(client);
      const peer = logOf(server);
      const received = collect(server);
      client.write(Buffer.alloc(300_000, 7));
      client.destroySoon();
      await Promise.all([closed(client), closed(server)]);
      return [log, peer, (await received).length];
    });
    expect(hawser).toEqual(node);
    expect(hawser).toEqual([["finish", "close false"], ["end", "finish", "close false"], 300_000]);
  });

  it("write after end: ERR_STREAM_WRITE_AFTER_END", async () => {
    const { node, hawser } = await both(async ({ client, server }) => {
      const log = logOf(client);
      server.resume();
      client.end();
      client.write("late");
      await closed(client);
      return log.filter((entry) => entry !== "finish");
    });
    expect(hawser).toEqual(node);
    expect(hawser).toEqual(["error ERR_STREAM_WRITE_AFTER_END", "close true"]);
  });
});

describe("half close", () => {
  it("with allowHalfOpen the sending side stays open after the peer's end", async () => {
    const { node, hawser } = await both(
      async ({ client, server }) => {
        const answer = collect(client);
        client.end("question");
        expect((await collect(server)).toString()).toBe("question");
        expect([server.readyState, client.writable]).toEqual(["writeOnly", false]);
        server.end("answer");
        await Promise.all([closed(client), closed(server)]);
        return (await answer).toString();
      },
      { allowHalfOpen: true },
    );
    expect(hawser).toEqual(node);
    expect(hawser).toBe("answer");
  });

  it("B16: an echo of 10 MB through pipe() comes back whole, without allowHalfOpen", async () => {
    const { client, server } = await pairOf(hawserPair);
    server.pipe(server);
    const bytes = randomBytes(10_000_000);
    const echoed = collect(client);
    client.end(bytes);
    expect(Buffer.compare(await echoed, bytes)).toBe(0);
  });

  it("B15: the end comes once, after all data, also where reading starts late", async () => {
    const { client, server } = await pairOf(hawserPair);
    server.end(Buffer.alloc(200_000, 1));
    await once(server, "finish");
    const log = logOf(client);
    const received = await buffer(client);
    expect(received.length).toBe(200_000);
    expect(log.filter((event) => event === "end")).toEqual(["end"]);
  });
});

describe("back-pressure", () => {
  it("B24: a stream that is not read holds at most both marks, and loses nothing", async () => {
    const { client, server } = await pairOf(hawserPair);
    const total = 64 * 1024 * 1024;
    const chunk = Buffer.alloc(1024 * 1024, 3);
    let written = 0;
    const writing = (async () => {
      while (written < total) {
        written += chunk.length;
        if (!server.write(chunk)) await once(server, "drain");
      }
      server.end();
    })();
    client.on("readable", () => {});
    await once(client, "readable");
    // The kernel's buffers and our marks are full when the writer has stood still for a while.
    let before = -1;
    while (before !== server.bytesWritten) {
      before = server.bytesWritten;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(written).toBeLessThan(total / 2);
    expect(client.readableLength).toBeLessThanOrEqual(4 * 65_536);
    client.removeAllListeners("readable");
    const received = await buffer(client);
    await writing;
    expect(received.length).toBe(total);
  });

  it("write() says false above the mark, drain follows, callbacks come in order", async () => {
    const { client, server } = await pairOf(hawserPair);
    const order: number[] = [];
    const big = Buffer.alloc(2_000_000);
    expect(client.write(big, () => order.push(1))).toBe(false);
    expect(client.write("x", () => order.push(2))).toBe(false);
    expect(client.writableNeedDrain).toBe(true);
    server.resume();
    await once(client, "drain");
    expect(order).toEqual([1, 2]);
  });

  it("a write's buffer may be used again when its callback was called", async () => {
    const { client, server } = await pairOf(hawserPair);
    const bytes = Buffer.alloc(500_000, 1);
    client.write(bytes, () => bytes.fill(2));
    client.end();
    const received = await buffer(server);
    expect(received.equals(Buffer.alloc(500_000, 1))).toBe(true);
  });

  it("cork() and uncork(): written together, in order", async () => {
    const { client, server } = await pairOf(hawserPair);
    client.cork();
    for (let index = 0; index < 100; index++) client.write(`${index},`);
    const text = Array.from({ length: 100 }, (_, index) => `${index},`).join("");
    expect(client.writableLength).toBe(text.length);
    expect(client.bytesWritten).toBe(text.length);
    client.uncork();
    const first = await once(server, "data");
    expect(first.toString()).toBe(text);
    expect(client.bytesWritten).toBe(text.length);
  });

  it("encodings of strings, and setEncoding()", async () => {
    const { client, server } = await pairOf(hawserPair);
    client.write("é", "latin1");
    client.write("616263", "hex");
    client.end("ü");
    expect(await buffer(server)).toEqual(Buffer.from([0xe9, 0x61, 0x62, 0x63, 0xc3, 0xbc]));
    const other = await pairOf(hawserPair);
    other.server.setEncoding("utf8");
    other.client.end("€");
    const [text] = await once(other.server, "data");
    expect(text).toBe("€");
  });

  it("pause() stops data, resume() goes on", async () => {
    const { client, server } = await pairOf(hawserPair);
    const seen: number[] = [];
    client.on("data", (bytes: Buffer) => seen.push(bytes.length));
    client.pause();
    server.write("12345");
    await expect.poll(() => client.bytesRead).toBe(5);
    expect(client.isPaused()).toBe(true);
    expect(seen).toEqual([]);
    client.resume();
    await once(client, "data");
    expect(seen).toEqual([5]);
  });
});

describe("with the rest of Node", () => {
  it("finished() and pipeline() settle", async () => {
    const { client, server } = await pairOf(hawserPair);
    const bytes = randomBytes(1_000_000);
    const ended = new Promise((resolve) => finished(client, resolve));
    server.pipe(new PassThrough()).pipe(server);
    const echoed = collect(client);
    await pipeline([bytes], client);
    expect(Buffer.compare(await echoed, bytes)).toBe(0);
    expect(await ended).toBeUndefined();
  });

  it("for await over the stream, and Duplex.toWeb", async () => {
    const { client, server } = await pairOf(hawserPair);
    client.end("abc");
    let text = "";
    for await (const bytes of server) text += bytes;
    expect(text).toBe("abc");
    const other = await pairOf(hawserPair);
    const { readable } = Duplex.toWeb(other.server);
    other.client.end("web");
    const { value } = await readable.getReader().read();
    expect(Buffer.from(value).toString()).toBe("web");
  });

  it("a local close() of the connection closes the stream without an error", async () => {
    const { client, server, listener } = await connections();
    cleanUps.push(() => listener.close({ timeout: 0 }));
    const stream = toDuplex(client);
    const log = logOf(stream);
    stream.resume();
    void client.close();
    await closed(stream);
    expect(log).toEqual(["close false"]);
    await server.receive();
  });

  it("B22: data that arrived before a reset is read before the error", async () => {
    const { client, server } = await connections();
    const stream = toDuplex(client);
    const got: Buffer[] = [];
    stream.on("data", (bytes: Buffer) => got.push(bytes)).pause();
    await server.send(Buffer.alloc(50_000, 9));
    await expect.poll(() => client.bytesRead).toBe(50_000);
    server.abort();
    await client.closed;
    const error = await new Promise<{ code: string }>((resolve) => {
      stream.on("error", resolve as never).resume();
    });
    expect(error.code).toBe("ECONNRESET");
    expect(Buffer.concat(got).length).toBe(50_000);
  });

  it("B22: an iteration that is slow gets all that came before a reset, and then throws", async () => {
    const { client, server } = await connections();
    let size = 0;
    const iterating = (async () => {
      for await (const bytes of toDuplex(client)) {
        if (size === 0) {
          await server.send(Buffer.alloc(3_000, 9));
          await expect.poll(() => client.bytesRead).toBe(3_001);
          server.abort();
          await client.closed;
        }
        size += bytes.length;
      }
    })();
    await server.send("x");
    await expect(iterating).rejects.toMatchObject({ code: "ECONNRESET" });
    expect(size).toBe(3_001);
  });

  it("destroy() with bytes unsent resets: no part is taken for the whole", async () => {
    const { client, server } = await pairOf(hawserPair);
    client.write(Buffer.alloc(20_000_000));
    await once(server, "readable");
    client.destroy();
    server.resume();
    const [error] = await once(server, "error");
    expect(error.code).toBe("ECONNRESET");
  });

  it("destroy() of an idle socket ends it cleanly", async () => {
    const { client, server } = await pairOf(hawserPair);
    const log = logOf(server);
    server.resume();
    client.destroy();
    await closed(server);
    expect(log).toEqual(["end", "finish", "close false"]);
  });
});
