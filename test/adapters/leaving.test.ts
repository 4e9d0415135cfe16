// What the peer sees of a stream that is destroyed: as of node:net's, over both.

import { describe, expect, it } from "vitest";
import { toDuplex } from "../../lib/adapters/duplex.ts";
import { type Connection, connect, listen } from "../../lib/index.ts";
import { cleanUpAfterEach, cleanUps, closed, logOf } from "./duplex-support.ts";
import { same } from "./same.ts";

cleanUpAfterEach();

const arrives = (socket: { readonly bytesRead: number }) =>
  expect.poll(() => socket.bytesRead).toBeGreaterThan(0);

describe("destroy() in the middle", () => {
  it("with nothing unread is an end", () =>
    same(
      async ({ client, server }) => {
        const log = logOf(server);
        client.destroy();
        await closed(server);
        return log;
      },
      ["end", "finish", "close false"],
    ));

  it("with what the stream has read and nobody has taken is an end", () =>
    same(
      async ({ client, server }) => {
        const log = logOf(server);
        server.write("x");
        await arrives(client);
        client.destroy();
        await closed(server);
        return log;
      },
      ["end", "finish", "close false"],
    ));

  it("with more than the stream has read is a reset", () =>
    same(
      async ({ client, server }) => {
        const log = logOf(server);
        server.write(Buffer.alloc(5_000_000));
        await arrives(client);
        client.destroy();
        await closed(server);
        return log;
      },
      ["error ECONNRESET", "close true"],
    ));

  it("with what the connection held before there was a stream is a reset", async () => {
    const accepted: Connection[] = [];
    const listener = await listen("tcp://127.0.0.1:0");
    cleanUps.push(() => listener.close({ timeout: 0 }));
    const peer = await connect(`tcp://127.0.0.1:${listener.port}`);
    cleanUps.push(() => peer.abort());
    for await (const connection of listener) {
      accepted.push(connection);
      break;
    }
    const [connection] = accepted as [Connection];
    let sent = 0;
    const arrives = async () => {
      sent += 60_000;
      await peer.send(Buffer.alloc(60_000));
      await expect.poll(() => connection.bytesRead).toBe(sent);
    };
    await arrives();
    const stream = toDuplex(connection);
    // The stream reads ahead as far as its buffer holds, which differs between versions of Node.
    do await arrives();
    while (connection.heldBytes === 0);
    stream.destroy();
    await expect(peer.receive()).rejects.toMatchObject({ code: "ECONNRESET" });
  });

  it("from a listener, with more to come, is a reset", () =>
    same(
      async ({ client, server }) => {
        const log = logOf(server);
        client.once("data", () => client.destroy());
        server.write(Buffer.alloc(5_000_000));
        await closed(server);
        return log;
      },
      ["error ECONNRESET", "close true"],
    ));

  it("after its own end is an end, whatever is unread", () =>
    same(async ({ client, server }) => {
      const ended = new Promise((resolve) => server.once("end", () => resolve("end")));
      server.on("error", () => {});
      client.end("bye");
      server.resume();
      const first = await ended;
      client.destroy();
      await closed(server);
      return first;
    }, "end"));
});
