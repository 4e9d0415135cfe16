// What the peer sees of a stream that is destroyed: as of node:net's, over both.

import { describe, expect, it } from "vitest";
import { cleanUpAfterEach, closed, logOf } from "./duplex-support.ts";
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
