// Sending over real connections: when send() resolves, with and without compression; messages in
// parts of every kind.

import { describe, expect, test } from "vitest";
import { open, serve, serveEcho, serveWs } from "./support.ts";

const sizes = [0, 100, 4_096, 4_097, 10_000, 16_384, 16_385, 300_000];
const modes = [
  ["without compression", false],
  ["compressed", { threshold: 0 }],
  ["compressed above a threshold", { threshold: 8_000 }],
] as const;

describe("send()", () => {
  test.each(modes)("resolves for every size and type, %s", async (_, perMessageDeflate) => {
    let received = 0;
    const { url } = await serve({ perMessageDeflate, message: () => received++ });
    const socket = await open(url, { perMessageDeflate });
    for (const size of sizes) {
      await socket.send(Buffer.alloc(size, "compresses well"));
      await socket.send("t".repeat(size));
      await socket.send(Buffer.alloc(size, "x"), { compress: false });
    }
    // Several at once wait for each other at the most.
    await Promise.all(sizes.map((size) => socket.send(Buffer.alloc(size))));
    expect(socket.bufferedAmount).toBe(0);
    await socket.close();
    expect(received).toBe(4 * sizes.length);
  });

  test.each(modes)("of a server resolves as well, %s", async (_, perMessageDeflate) => {
    const { url } = await serve({ perMessageDeflate }, async (socket) => {
      for (const size of sizes) await socket.send(Buffer.alloc(size, "compresses well"));
    });
    const socket = await open(url, { perMessageDeflate });
    for (const size of sizes) expect((await socket.receive())?.length).toBe(size);
    expect(await socket.receive()).toBeNull();
  });

  test("a signal stops the waiting, and the message still goes out", async () => {
    const { url } = await serveEcho();
    const socket = await open(url);
    const reason = new Error("enough");
    const gone = AbortSignal.abort(reason);
    await expect(socket.send("never", { signal: gone })).rejects.toBe(reason);
    const controller = new AbortController();
    const sent = socket.send(Buffer.alloc(100_000), { signal: controller.signal });
    controller.abort(reason);
    await expect(sent).rejects.toBe(reason);
    expect((await socket.receive())?.length).toBe(100_000);
    expect(() => socket.send("x", { signal: 1 } as never)).toThrow(TypeError);
  });
});

describe("stream()", () => {
  test.each(modes)("sends parts of every size, %s", async (_, perMessageDeflate) => {
    const { url } = await serveEcho({ perMessageDeflate });
    const socket = await open(url, { perMessageDeflate });
    const out = socket.stream();
    for (const size of sizes) await out.send(Buffer.alloc(size, "p"));
    await out.end(Buffer.from("end"));
    const whole = (await socket.receive()) as Buffer;
    const expected = Buffer.concat(
      [...sizes.map((size) => Buffer.alloc(size, "p")), "end"].map((b) => Buffer.from(b)),
    );
    expect(whole.equals(expected)).toBe(true);
  });

  test("converts parts to the message's type, and refuses a mixture where none is given", async () => {
    const { url } = await serveEcho();
    const socket = await open(url);
    const binary = socket.stream({ binary: true });
    binary.write("a");
    await binary.end(Buffer.from("b"));
    expect(await socket.receive()).toEqual(Buffer.from("ab"));
    const text = socket.stream({ binary: false });
    text.write(Buffer.from("a"));
    await text.end("b");
    expect(await socket.receive()).toBe("ab");
    const mixed = socket.stream();
    mixed.write("a");
    expect(() => mixed.write(Buffer.from("b"))).toThrow(TypeError);
    await mixed.end();
    expect(await socket.receive()).toBe("a");
  });

  test.each([[{ binari: true }], [{ binary: 1 }], [{ compress: "no" }], [null], [5]])(
    "wrong options are a TypeError: %j",
    async (options) => {
      const { url } = await serveEcho();
      const socket = await open(url);
      expect(() => socket.stream(options as never)).toThrow(TypeError);
    },
  );

  test("other messages are refused while a message is being sent in parts", async () => {
    const { url } = await serveEcho();
    const socket = await open(url);
    const out = socket.stream();
    out.write("begun");
    expect(() => socket.write("between")).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_STATE" }),
    );
    expect(socket.ping()).toBe(true);
    await out.end();
    expect(await socket.receive()).toBe("begun");
  });

  test("after the end it says so: write() false, send() rejects with EPIPE", async () => {
    const url = await serveWs((peer) => peer.terminate());
    const socket = await open(url);
    await socket.closed;
    const out = socket.stream();
    expect(out.write("late")).toBe(false);
    await expect(out.send("late")).rejects.toBeInstanceOf(Error);
    await expect(out.end()).rejects.toBeInstanceOf(Error);
  });
});
