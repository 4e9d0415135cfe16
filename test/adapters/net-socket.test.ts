// What programs expect of a net.Socket when they read and write: each scenario runs over node:net
// and over a stream of hawser's, and both must say the same. Its life and its timers:
// net-socket-life.test.ts.

import { once } from "node:events";
import type net from "node:net";
import { buffer, text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { cleanUpAfterEach, closed, collect, logOf, pairOf } from "./duplex-support.ts";
import { hawserPair } from "./pairs.ts";
import { codeOf, same, sameUnconnected, thrown } from "./same.ts";

cleanUpAfterEach();

describe("bytesWritten and bytesRead", () => {
  it("count strings in their encoding, corked and not, before and after they leave", () =>
    same(
      async ({ client, server }) => {
        server.resume();
        client.resume();
        const counts: unknown[] = [];
        client.cork();
        client.write("grün");
        client.write("616263", "hex");
        client.write("é", "latin1");
        counts.push(client.bytesWritten);
        client.uncork();
        await new Promise((resolve) => client.write("€", "utf16le", resolve));
        counts.push(client.bytesWritten);
        (client as net.Socket).end("aGVsbG8=", "base64");
        counts.push(client.bytesWritten);
        await Promise.all([closed(client), closed(server)]);
        return [...counts, client.bytesWritten, server.bytesRead];
      },
      [9, 11, 16, 16, 16],
    ));

  it("count what is written before it is connected", async () => {
    const counts = await sameUnconnected(
      (socket) => socket.resume(),
      async (socket, port) => {
        socket.connect(port, "127.0.0.1");
        const early = new Promise((resolve) => socket.write("grün", resolve));
        const before = socket.bytesWritten;
        await early;
        return [before, socket.bytesWritten];
      },
    );
    expect(counts).toEqual([5, 5]);
  });
});

describe("writing", () => {
  it("callbacks of write and end come in their order, before finish and close", () =>
    same(async ({ client, server }) => {
      server.resume();
      const order = logOf(client);
      for (const name of ["one", "two"]) client.write(name, () => order.push(name));
      client.end("three", () => order.push("ended"));
      client.resume();
      await closed(client);
      return order;
    }));

  it("before connect() was called fails, and connect() then begins anew", async () => {
    const outcome = await sameUnconnected(
      (peer) => peer.pipe(peer),
      async (socket, port) => {
        const log = logOf(socket);
        const over = closed(socket);
        const code = await new Promise((resolve) => {
          socket.write("lost", (error) => resolve(codeOf(error)));
        });
        await over;
        socket.connect(port, "127.0.0.1");
        socket.end("kept");
        return [log[0], code, await text(socket)];
      },
    );
    expect(outcome).toEqual(["error ERR_SOCKET_CLOSED", "ERR_SOCKET_CLOSED", "kept"]);
  });

  it.each([[null], [5], [{}], [undefined]])("write(%j) throws", (chunk) =>
    same(async ({ client }) => thrown(() => client.write(chunk as never))),
  );

  it("after destroy() fails its callback, and emits nothing", () =>
    same(
      async ({ client }) => {
        const log = logOf(client);
        client.destroy();
        const code = await new Promise((resolve) =>
          client.write("x", (error) => resolve(codeOf(error))),
        );
        await closed(client);
        return [code, log];
      },
      ["ERR_STREAM_DESTROYED", ["close false"]],
    ));

  it("after both ends: EPIPE", () =>
    same(
      async ({ client, server }) => {
        client.resume();
        server.end();
        await Promise.all([once(client, "end"), once(client, "finish")]);
        const code = await new Promise((resolve) =>
          client.write("late", (error) => resolve(codeOf(error))),
        );
        return [code, client.destroyed];
      },
      ["EPIPE", true],
    ));

  it("what is written in the end listener still arrives", () =>
    same(async ({ client, server }) => {
      client.resume();
      client.once("end", () => client.write("last words"));
      const received = text(server as net.Socket);
      server.end();
      return received;
    }, "last words"));

  it("end() twice, and with a callback the second time", () =>
    same(async ({ client, server }) => {
      server.resume();
      client.resume();
      const log = logOf(client);
      client.end("x");
      const code = await new Promise((resolve) =>
        client.end((error?: Error) => resolve(codeOf(error))),
      );
      await closed(client);
      return [code, log];
    }));

  it("end() before connect() is done: everything arrives, and the peer's answer", async () => {
    const log = await sameUnconnected(
      (socket) => socket.pipe(socket),
      async (socket, port) => {
        const events = logOf(socket);
        const gone = closed(socket);
        socket.connect(port, "127.0.0.1");
        socket.end("early");
        const answer = await text(socket);
        await gone;
        return [answer, events];
      },
    );
    expect(log).toEqual(["early", ["connect", "ready", "finish", "end", "close false"]]);
  });
});

describe("reading", () => {
  it("pause() in a data listener holds the rest, and resume() brings it", () =>
    same(
      async ({ client, server }) => {
        const sizes: number[] = [];
        let size = 0;
        client.on("data", (bytes: Buffer) => {
          size += bytes.length;
          client.pause();
          sizes.push(bytes.length);
          setImmediate(() => client.resume());
        });
        server.end(Buffer.alloc(400_000));
        await once(client, "end");
        return [size, sizes.every((one) => one <= 65_536)];
      },
      [400_000, true],
    ));

  it("read() and readable, with unshift()", () =>
    same(
      async ({ client, server }) => {
        server.write("head:body");
        await once(client, "readable");
        const head = String(client.read(5));
        client.unshift(Buffer.from("again "));
        let rest = "";
        // In how many pieces is the version's own affair.
        for (let piece = client.read(); piece !== null; piece = client.read()) rest += piece;
        return [head, rest];
      },
      ["head:", "again body"],
    ));

  it("a listener that destroys gets no more data", () =>
    same(
      async ({ client, server }) => {
        const log = logOf(client);
        let calls = 0;
        client.on("data", () => {
          calls++;
          client.destroy();
        });
        server.on("error", () => {});
        server.write(Buffer.alloc(500_000));
        await closed(client);
        return [calls, log];
      },
      [1, ["close false"]],
    ));

  it("an error thrown on by destroy(error) in a data listener", () =>
    same(
      async ({ client, server }) => {
        const log = logOf(client);
        client.on("data", () => client.destroy(Object.assign(new Error("x"), { code: "EMINE" })));
        server.write("x");
        await closed(client);
        return [log, codeOf(client.errored)];
      },
      [["error EMINE", "close true"], "EMINE"],
    ));

  it.each([false, true])(
    "an end is told to a socket that nobody reads: with data before it %s",
    (isAfterData) =>
      same(async ({ client, server }) => {
        const logs = [logOf(client), logOf(server)];
        if (isAfterData) await new Promise<void>((resolve) => client.write("x", () => resolve()));
        client.end();
        if (!isAfterData) await Promise.all([closed(client), closed(server)]);
        else await once(client, "finish");
        // What is unread stands before the end, and is still there.
        const left = isAfterData
          ? [
              server.readableEnded,
              String(await new Promise((resolve) => server.once("data", resolve))),
            ]
          : [];
        if (isAfterData) await Promise.all([closed(client), closed(server)]);
        return [logs, left];
      }),
  );

  it("a reset is told to a socket that nobody reads", () =>
    same(
      async ({ client, server }) => {
        const log = logOf(client);
        server.resetAndDestroy();
        await closed(client);
        return log;
      },
      ["error ECONNRESET", "close true"],
    ));

  it("a reset is told to one that is paused", () =>
    same(
      async ({ client, server }) => {
        const log = logOf(client);
        client.resume();
        client.pause();
        server.resetAndDestroy();
        await closed(client);
        return log;
      },
      ["error ECONNRESET", "close true"],
    ));
});

describe("a download that is left", () => {
  it("destroy() in the middle stops the peer at once, as with node:net", async () => {
    const { client, server } = await pairOf(hawserPair);
    const chunk = Buffer.alloc(1_000_000);
    let sent = 0;
    const failed = new Promise((resolve) =>
      server.once("error", (error) => resolve(codeOf(error))),
    );
    const more = () => {
      while (!server.destroyed) {
        sent += chunk.length;
        if (!server.write(chunk)) return;
      }
    };
    server.on("drain", more);
    more();
    await once(client, "data");
    client.destroy();
    const sentBefore = sent;
    expect(["ECONNRESET", "EPIPE"]).toContain(await failed);
    // What the buffers between them hold, and not the 64 MiB of a close() that waits for the end.
    expect(sent - sentBefore).toBeLessThan(30_000_000);
  });

  it("destroySoon() of one that has answered lets the peer finish", async () => {
    const { client, server } = await pairOf(hawserPair);
    const answer = collect(client);
    client.on("error", () => {});
    client.write(Buffer.alloc(3_000_000));
    server.once("data", () => {
      server.write("too large");
      server.destroySoon();
    });
    expect(String(await answer)).toBe("too large");
  });
});

describe("a stream that is collected", () => {
  it("buffer() of 3 MB both ways at once", async () => {
    const { client, server } = await pairOf(hawserPair);
    const [one, two] = [Buffer.alloc(3_000_000, 1), Buffer.alloc(3_000_000, 2)];
    client.end(one);
    server.end(two);
    const [there, here] = await Promise.all([buffer(server), buffer(client)]);
    expect([there.equals(one), here.equals(two)]).toEqual([true, true]);
  });
});
