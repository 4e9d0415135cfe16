// What a listener of WebSockets holds for an iteration that does not come, and what it lets in when
// it does.

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test, vi } from "vitest";
import { ITERATION_AHEAD_COUNT } from "../../lib/core/limits.ts";
import { attach } from "../../lib/index.ts";
import { afterTest, Raw, request, serve } from "./support.ts";

const full = ITERATION_AHEAD_COUNT;

interface Clients {
  readonly all: readonly Raw[];
  /** The statuses so far, in the order in which they came. */
  readonly statuses: readonly string[];
}

async function ask(port: number, count: number): Promise<Clients> {
  const all = Array.from({ length: count }, () => new Raw(port));
  await Promise.all(all.map(({ socket }) => once(socket, "connect")));
  const statuses: string[] = [];
  for (const raw of all) {
    raw.write(request());
    void raw.head().then((head) => statuses.push(head.slice(9, 12)));
  }
  return { all, statuses };
}

// Two round trips with somebody who is open: what came before them has been looked at.
async function fence(all: readonly Raw[], answered: (raw: Raw) => boolean): Promise<void> {
  const raw = all.find(answered) as Raw;
  for (let round = 0; round < 2; round++) {
    raw.write(Buffer.from([0x89, 0x80, 0, 0, 0, 0]));
    await raw.until((bytes) => bytes.includes(Buffer.from([0x8a, 0x00])));
  }
}

test("B46: without an iteration 16 are open, the rest waits, and none is lost", async () => {
  const { listener, port } = await serve({});
  const { all, statuses } = await ask(port, 60);
  await vi.waitFor(() => expect(statuses.length).toBe(full));
  const { accepted } = listener.counters;
  // Those whom the kernel has now are not even accepted.
  const more = Array.from({ length: 20 }, () => new Raw(port));
  await Promise.all(more.map(({ socket }) => once(socket, "connect")));
  const open = new Set([...listener.connections].map(({ connection }) => connection.remotePort));
  await fence(all, ({ socket }) => open.has(socket.localPort as number));
  expect(statuses).toEqual(Array(full).fill("101"));
  expect(listener.connections.size).toBe(full);
  expect(listener.counters.accepted).toBe(accepted);
  expect(listener.newConnectionLimit).toBe(Number.POSITIVE_INFINITY);

  for (const raw of more) raw.write(request());
  let taken = 0;
  for await (const socket of listener) {
    socket.write("taken");
    if (++taken === 80) break;
  }
  await vi.waitFor(() => expect(statuses).toEqual(Array(60).fill("101")));
  expect(listener.connections.size).toBe(80);
});

test("B46: an upgrade that waits in vain is answered with 503 after handshakeTimeout", async () => {
  const { listener, port } = await serve({ handshakeTimeout: 1_500 });
  const { statuses } = await ask(port, full + 4);
  await vi.waitFor(() => expect(statuses.length).toBe(full + 4), { timeout: 10_000 });
  expect(statuses).toEqual([...Array(full).fill("101"), ...Array(4).fill("503")]);
  expect(listener.connections.size).toBe(full);
});

test("an upgrade that waits keeps what came behind its head", async () => {
  const { listener, port } = await serve({});
  const { statuses } = await ask(port, full);
  await vi.waitFor(() => expect(statuses.length).toBe(full));
  // Accepted before the bound was reached, asks behind it.
  const iteration = listener[Symbol.asyncIterator]();
  for (let taken = 0; taken < full; taken++) await iteration.next();
  const late = new Raw(port);
  const next = iteration.next();
  await once(late.socket, "connect");
  const crowd = await ask(port, full + 1);
  await vi.waitFor(() => expect(crowd.statuses.length).toBeGreaterThanOrEqual(full));
  const text = Buffer.from([0x81, 0x84, 0, 0, 0, 0, 0x6c, 0x61, 0x74, 0x65]);
  late.write(Buffer.concat([Buffer.from(request()), text]));
  await next;
  const got: unknown[] = [];
  for (let taken = 0; taken <= full; taken++) {
    const { value } = await iteration.next();
    value?.receive().then(
      (message: unknown) => got.push(message),
      () => {},
    );
  }
  await vi.waitFor(() => expect(got).toEqual(["late"]));
});

test("close() ends an iteration at once, and those who wait for room", async () => {
  const { listener, port } = await serve({});
  const { all } = await ask(port, full + 4);
  await vi.waitFor(() => expect(listener.connections.size).toBe(full));
  const iteration = listener[Symbol.asyncIterator]();
  for (let taken = 0; taken < full; taken++) {
    expect((await iteration.next()).done).toBe(false);
  }
  await listener.close({ timeout: 0 });
  for (let taken = 0; taken < 5; taken++) {
    const { done, value } = await iteration.next();
    if (done) break;
    await value.closed;
  }
  expect((await iteration.next()).done).toBe(true);
  await Promise.all(all.map((raw) => raw.until(() => false)));
});

test("B46: beside an HTTP server the upgrades that nobody takes are answered with 503", async () => {
  const server = createServer();
  const listener = attach(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  afterTest(async () => {
    await listener.close({ timeout: 0 });
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const { statuses } = await ask(port, full + 4);
  await vi.waitFor(() => expect(statuses.length).toBe(full + 4));
  expect(statuses.filter((status) => status === "101").length).toBe(full);
  expect(statuses.filter((status) => status === "503").length).toBe(4);
  for await (const _ of listener) break;
  expect(listener.connections.size).toBe(full);
});

test("close({ drain: true }): an upgrade that was under way is still given to who iterates", async () => {
  const { listener, port } = await serve({});
  const raw = new Raw(port);
  await once(raw.socket, "connect");
  const next = listener[Symbol.asyncIterator]().next();
  const closed = listener.close({ drain: true });
  // By then nobody listens any more.
  await vi.waitFor(() => expect(listener.fd).toBe(-1));
  raw.write(request());
  const { value: socket } = await next;
  expect(socket?.state).toBe("ready");
  expect(await raw.head()).toContain("101 Switching Protocols");
  const end = listener[Symbol.asyncIterator]().next();
  socket?.abort();
  expect(await closed).toEqual({ error: null, aborted: 0 });
  expect((await end).done).toBe(true);
});
