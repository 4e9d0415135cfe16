// The life of a net.Socket, its timers, and what the rest of Node does with it: each scenario runs
// over node:net and over a stream of hawser's, and both must say the same.

import { once } from "node:events";
import net, { type AddressInfo } from "node:net";
import { finished, PassThrough, pipeline, Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { setTimeout as after } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { createSocket } from "../../lib/adapters/duplex.ts";
import { cleanUpAfterEach, cleanUps, closed, logOf } from "./duplex-support.ts";
import { codeOf, same, sameUnconnected, thrown } from "./same.ts";

cleanUpAfterEach();

describe("setTimeout", () => {
  it.each([[-1], [Number.NaN], [Number.POSITIVE_INFINITY], ["5"], [null]])(
    "(%j) throws, and adds no listener",
    (ms) =>
      same(async ({ client }) => {
        const code = thrown(() => client.setTimeout(ms as number, () => {}));
        return [code, client.listenerCount("timeout")];
      }),
  );

  it("takes what is longer than a timer can be", () =>
    same(async ({ client }) => thrown(() => client.setTimeout(2 ** 31)), "nothing"));

  it("refuses a callback that is none", () =>
    same(async ({ client }) => thrown(() => client.setTimeout(1_000, "x" as never))));

  it("on a destroyed socket does nothing", () =>
    same(
      async ({ client }) => {
        const log = logOf(client);
        client.destroy();
        const answer = client.setTimeout(5, () => log.push("callback")) === client;
        await after(40);
        return [answer, log];
      },
      [true, ["close false"]],
    ));

  it("comes for a peer that does not read, and the socket lives on", () =>
    same(async ({ client, server }) => {
      server.pause();
      client.write(Buffer.alloc(20_000_000));
      client.setTimeout(60);
      await once(client, "timeout");
      server.resume();
      await once(client, "drain");
      return client.destroyed;
    }, false));

  it("is over when it is destroyed", () =>
    same(
      async ({ client }) => {
        const log = logOf(client);
        client.setTimeout(20);
        client.destroy();
        await after(60);
        return log;
      },
      ["close false"],
    ));
});

describe("with the rest of Node", () => {
  it("pipeline(): a source that fails destroys the socket with its error", () =>
    same(async ({ client, server }) => {
      server.on("error", () => {}).resume();
      const source = new Readable({ read() {} });
      source.push("a part");
      setImmediate(() => source.destroy(Object.assign(new Error("x"), { code: "ESOURCE" })));
      const code = await new Promise((resolve) =>
        pipeline(source, client, (error) => resolve(codeOf(error))),
      );
      if (!client.closed) await closed(client);
      return [code, client.destroyed, codeOf(client.errored)];
    }));

  it("pipeline(): a socket that is reset fails it, and destroys what is behind", () =>
    same(
      async ({ client, server }) => {
        const sink = new PassThrough();
        const done = new Promise((resolve) =>
          pipeline(client, sink, (error) => resolve(codeOf(error))),
        );
        sink.resume();
        server.resetAndDestroy();
        return [await done, sink.destroyed];
      },
      ["ECONNRESET", true],
    ));

  it("finished(): a socket that is destroyed in the middle closed prematurely", () =>
    same(async ({ client }) => {
      const done = new Promise((resolve) => finished(client, (error) => resolve(codeOf(error))));
      client.destroy();
      return done;
    }, "ERR_STREAM_PREMATURE_CLOSE"));

  it("pipe() ends the other when the peer ends, and unpipe() holds", () =>
    same(async ({ client, server }) => {
      const sink = new PassThrough();
      client.pipe(sink);
      server.write("first");
      await once(sink, "data");
      client.unpipe(sink);
      server.end("second");
      await once(client, "readable");
      client.pipe(sink);
      return text(sink);
    }, "second"));

  it("await using and for await destroy what they leave", () =>
    same(async ({ client, server }) => {
      server.on("error", () => {});
      server.write("x");
      for await (const _bytes of client) break;
      return client.destroyed;
    }, true));
});

describe("states", () => {
  it("readyState, pending, connecting, destroyed, closed and errored along a life", async () => {
    await sameUnconnected(
      (socket) => socket.end("bye"),
      async (socket, port) => {
        const states: unknown[] = [];
        const note = () => {
          const { readyState, pending, connecting, destroyed, closed: isClosed } = socket;
          const { readableEnded, writableEnded, writableFinished, allowHalfOpen } = socket;
          states.push([readyState, pending, connecting, destroyed, isClosed]);
          states.push([readableEnded, writableEnded, writableFinished, allowHalfOpen]);
        };
        note();
        socket.connect(port, "127.0.0.1");
        note();
        for (const event of ["connect", "ready", "end", "close"]) socket.once(event, note);
        socket.resume();
        await closed(socket);
        return states;
      },
    );
  });

  it("destroy() in the connect listener", async () => {
    const log = await sameUnconnected(
      (socket) => socket.resume(),
      async (socket, port) => {
        const events = logOf(socket);
        socket.connect(port, "127.0.0.1", () => socket.destroy());
        await closed(socket);
        return events;
      },
    );
    expect(log).toEqual(["connect", "ready", "close false"]);
  });

  it("destroySoon() and destroy() twice are destroy() once", () =>
    same(async ({ client, server }) => {
      server.resume();
      const log = logOf(client);
      client.destroySoon();
      client.destroySoon();
      client.destroy();
      client.destroy(new Error("too late"));
      await closed(client);
      await after(20);
      return log.filter((event) => event !== "finish");
    }));

  it("connect() again after close: the pattern of programs that reconnect", async () => {
    const lives = await sameUnconnected(
      (socket) => socket.end("hello"),
      async (socket, port) => {
        const heard: string[] = [];
        const log = logOf(socket);
        socket.on("data", (bytes) => heard.push(String(bytes)));
        const done = new Promise<void>((resolve) => {
          let left = 2;
          socket.on("close", () => {
            if (left-- > 0) socket.connect(port, "127.0.0.1");
            else resolve();
          });
        });
        socket.connect(port, "127.0.0.1");
        await done;
        return [heard, log.filter((event) => event.startsWith("c"))];
      },
    );
    const life = ["connect", "close false"];
    expect(lives).toEqual([Array(3).fill("hello"), [...life, ...life, ...life]]);
  });

  it("connect() again after a refused one", async () => {
    const free = net.createServer().listen(0, "127.0.0.1");
    await once(free, "listening");
    const { port: refused } = free.address() as AddressInfo;
    free.close();
    await once(free, "close");
    const result = await sameUnconnected(
      (socket) => socket.end("at last"),
      async (socket, port) => {
        const errors: unknown[] = [];
        socket.on("error", (error) => errors.push(codeOf(error)));
        socket.connect(refused, "127.0.0.1");
        await closed(socket);
        socket.connect(port, "127.0.0.1");
        return [errors, await text(socket)];
      },
    );
    expect(result).toEqual([["ECONNREFUSED"], "at last"]);
  });

  it("connect() with localAddress, localPort, family and lookup", async () => {
    const server = net.createServer((socket) => socket.end(`${socket.remoteAddress}`));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    cleanUps.push(() => server.close());
    const { port } = server.address() as AddressInfo;
    const asked: unknown[] = [];
    const socket = createSocket();
    socket.connect({
      port,
      host: "somewhere.test",
      localAddress: "127.0.0.3",
      family: "IPv4",
      lookup(name: string, options: { family?: number }, done: (...args: unknown[]) => void) {
        asked.push(name, options.family);
        done(null, [{ address: "127.0.0.1", family: 4 }]);
      },
    });
    expect(await text(socket)).toBe("127.0.0.3");
    expect(asked).toEqual(["somewhere.test", 4]);
  });
});

describe("addresses", () => {
  it("remoteAddress is still known in the close listener of who asked before", () =>
    same(async ({ client, server }) => {
      const before = [client.remoteAddress, client.remoteFamily, client.remotePort !== undefined];
      const port = client.remotePort;
      client.resume();
      server.end();
      await closed(client);
      const { remoteAddress, remoteFamily, remotePort, localAddress, localPort } = client;
      const after = [remoteAddress, remoteFamily, remotePort === port];
      return [before, after, localAddress, localPort, client.address()];
    }));
});
