// What programs expect of a net.Socket beyond moving bytes: each scenario runs over node:net and over
// a stream of hawser's, and both must say the same.

import { once } from "node:events";
import net, { type AddressInfo } from "node:net";
import { finished, PassThrough, pipeline, Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { setTimeout as after } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { createSocket } from "../../lib/adapters/duplex.ts";
import {
  both,
  cleanUpAfterEach,
  cleanUps,
  closed,
  collect,
  logOf,
  pairOf,
} from "./duplex-support.ts";
import { hawserPair, type Pair, type Socket } from "./pairs.ts";

cleanUpAfterEach();

const codeOf = (error: unknown) => (error as { code?: string } | null | undefined)?.code ?? null;

function thrown(act: () => unknown): unknown {
  try {
    act();
    return "nothing";
  } catch (error) {
    return codeOf(error);
  }
}

/** The same over both; what it is, where that is worth saying. */
async function same(scenario: (pair: Pair) => Promise<unknown>, expected?: unknown): Promise<void> {
  const { node, hawser } = await both(scenario);
  expect(hawser).toEqual(node);
  if (expected !== undefined) expect(hawser).toEqual(expected);
}

/** A server of node:net, and a scenario with a socket of either kind that is not connected. */
async function sameUnconnected(
  serve: (socket: net.Socket) => void,
  scenario: (socket: net.Socket, port: number) => Promise<unknown>,
): Promise<unknown> {
  const server = net.createServer((socket) => serve(socket.on("error", () => {})));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanUps.push(() => server.close());
  const { port } = server.address() as AddressInfo;
  const run = async (socket: Socket) => {
    cleanUps.push(() => socket.destroy());
    return scenario(socket as net.Socket, port);
  };
  const node = await run(new net.Socket());
  const hawser = await run(createSocket());
  expect(hawser).toEqual(node);
  return hawser;
}

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
        const rest = String(client.read());
        return [head, rest, client.read()];
      },
      ["head:", "again body", null],
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
