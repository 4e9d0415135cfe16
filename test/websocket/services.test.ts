// attach() beside the services that people have: an Express and a Fastify application keep their
// routes, and the WebSockets on their port move to the reactor.

import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { attach } from "../../lib/index.ts";
import { installPeers, peer } from "../adapters/servers.ts";
import { afterTest, open, openWs } from "./support.ts";

// biome-ignore lint/suspicious/noExplicitAny: packages that are there for the tests only
type Package = any;

const hasPeers = installPeers();
const skipped = hasPeers ? "" : " (skipped: npm cannot install test/peers)";

/** A service with one page, and its HTTP server, which listens. */
type Serve = () => Promise<Server>;

const express: Serve = async () => {
  const application = peer<Package>("express")();
  application.get("/page", (_request: unknown, response: Package) => response.send("a page"));
  const server = createServer(application);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
};

const fastify: Serve = async () => {
  const application = peer<Package>("fastify")();
  application.get("/page", async () => "a page");
  await application.listen({ port: 0, host: "127.0.0.1" });
  afterTest(() => application.close());
  return application.server;
};

describe.skipIf(!hasPeers)(`attach() beside a service${skipped}`, () => {
  test.each([
    ["Express", express],
    ["Fastify", fastify],
  ])("%s keeps its pages, and WebSockets of its port go to the reactor", async (_, serve) => {
    const server = await serve();
    const listener = attach(server, {
      path: "/chat",
      perMessageDeflate: true,
      upgrade: ({ headers }) =>
        headers.cookie === "who=me" ? { data: "me" } : { status: 401, body: "who?" },
      message: (socket, message) => void socket.write(`${socket.data} says ${message}`),
    });
    afterTest(async () => {
      await listener.close({ timeout: 0 });
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    const headers = { Cookie: "who=me" };
    const ours = await open(`ws://127.0.0.1:${port}/chat`, { headers });
    const [theirs, page] = await Promise.all([
      openWs(`ws://127.0.0.1:${port}/chat`, { headers }),
      fetch(`http://127.0.0.1:${port}/page`),
    ]);
    expect([page.status, await page.text()]).toEqual([200, "a page"]);
    await ours.send("hello");
    expect(await ours.receive()).toBe("me says hello");
    const answer = once(theirs, "message");
    theirs.send("x".repeat(5_000));
    expect(String((await answer)[0])).toBe(`me says ${"x".repeat(5_000)}`);
    // The fast path: descriptors of the reactor's, and none of Node's sockets left.
    expect([...listener.connections].map(({ connection }) => connection.fd > 0)).toEqual([
      true,
      true,
    ]);
    const refused = open(`ws://127.0.0.1:${port}/chat`);
    await expect(refused).rejects.toMatchObject({ response: { status: 401 } });
    expect((await fetch(`http://127.0.0.1:${port}/none`)).status).toBe(404);
    await ours.close();
  });
});
