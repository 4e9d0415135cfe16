// toWeb: a connection as Web Streams.

import { randomBytes } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import { toWeb } from "../../lib/adapters/web.ts";
import { Connection } from "../../lib/index.ts";
import { type Connections, connections, type PairOptions } from "./pairs.ts";

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

async function pair(options?: PairOptions): Promise<Connections> {
  const made = await connections(options);
  cleanUps.push(
    () => made.listener.close({ timeout: 0 }),
    () => made.client.abort(),
  );
  return made;
}

async function readAll(readable: ReturnType<typeof toWeb>["readable"]): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of readable) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe("toWeb", () => {
  it("B16: an echo of 10 MB by pipeTo() comes back whole", async () => {
    const { client, server } = await pair();
    const echo = toWeb(server);
    const echoing = echo.readable.pipeTo(echo.writable);
    const { readable, writable } = toWeb(client);
    const bytes = randomBytes(10_000_000);
    const received = readAll(readable);
    const writer = writable.getWriter();
    await writer.write(bytes);
    await writer.close();
    expect(Buffer.compare(await received, bytes)).toBe(0);
    await echoing;
  });

  it("B24: nothing is read ahead of the reader", async () => {
    const { client, server } = await pair();
    toWeb(client);
    const first = server.send(Buffer.alloc(1));
    await first;
    let sent = 0;
    while (server.write(Buffer.alloc(1_000_000)) && sent < 100) sent++;
    expect(client.bytesRead).toBeLessThanOrEqual(1_000_000);
    expect(sent).toBeLessThan(100);
  });

  it("a BYOB reader gets the bytes in its own buffer, and its buffer back at the end", async () => {
    const { client, server } = await pair();
    await server.send("hello");
    void server.close();
    const reader = toWeb(client).readable.getReader({ mode: "byob" });
    const first = await reader.read(new Uint8Array(3));
    expect(Buffer.from(first.value ?? []).toString()).toBe("hel");
    const second = await reader.read(new Uint8Array(10));
    expect(Buffer.from(second.value ?? []).toString()).toBe("lo");
    const last = await reader.read(new Uint8Array(10));
    expect([last.done, last.value?.byteLength]).toEqual([true, 0]);
  });

  it("small chunks can be transferred: they are no slices of a pool", async () => {
    const { client, server } = await pair();
    await server.send("a");
    const { value } = await toWeb(client).readable.getReader().read();
    expect(value?.buffer.byteLength).toBe(1);
    expect(() =>
      structuredClone(value, { transfer: [value?.buffer as ArrayBuffer] }),
    ).not.toThrow();
  });

  it("B15: close() of the writable side is a clean end for the peer", async () => {
    const { client, server } = await pair();
    const writer = toWeb(client).writable.getWriter();
    await writer.write("bye");
    await writer.close();
    expect((await server.receive({ min: 3 }))?.toString()).toBe("bye");
    expect(await server.receive()).toBeNull();
  });

  it("cancel() and abort() reset", async () => {
    for (const end of ["cancel", "abort"] as const) {
      const { client, server } = await pair();
      const { readable, writable } = toWeb(client);
      if (end === "cancel") await readable.cancel();
      else await writable.abort();
      await expect(server.receive()).rejects.toMatchObject({ code: "ECONNRESET" });
    }
  });

  it("a failure fails both sides, after the data that came before it", async () => {
    const { client, server } = await pair();
    const { readable, writable } = toWeb(client);
    await server.send("last");
    await expect.poll(() => client.bytesRead).toBe(4);
    server.abort();
    const reader = readable.getReader();
    const { value } = await reader.read();
    expect(Buffer.from(value ?? []).toString()).toBe("last");
    await expect(reader.read()).rejects.toMatchObject({ code: "ECONNRESET" });
    await expect(writable.getWriter().closed).rejects.toMatchObject({ code: "ECONNRESET" });
  });

  it.each(["close", "abort"] as const)(
    "after %s() of the connection nobody waits for the writable side",
    async (end) => {
      const { client } = await pair();
      const writer = toWeb(client).writable.getWriter();
      void client[end]();
      await expect(writer.closed).rejects.toMatchObject({ code: "EPIPE" });
      await expect(writer.write("x")).rejects.toMatchObject({ code: "EPIPE" });
    },
  );

  it("a writable side that was closed stays so when the connection ends", async () => {
    const { client, server } = await pair();
    const { readable, writable } = toWeb(client);
    const writer = writable.getWriter();
    await writer.close();
    void server.close();
    await readAll(readable);
    await client.closed;
    await expect(writer.closed).resolves.toBeUndefined();
  });

  it("refuses what is no connection, and one with a data callback", () => {
    expect(() => toWeb({} as never)).toThrow(TypeError);
    expect(() => toWeb(new Connection("tcp://127.0.0.1:9", { data() {} }))).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_STATE" }),
    );
  });
});
