// Long binary messages that the application keeps: they stand where they were received, in memory
// that is theirs from then on, and stay what they were whatever arrives later.
import { once } from "node:events";
import { expect, test } from "vitest";
import { RECEIVE_BLOCK_BYTES } from "../../lib/core/limits.ts";
import { fingerprint, pattern } from "../support/bytes.ts";
import { open, openWs, serve } from "./support.ts";

/** Sizes around what is given away, and around a read of the kernel. */
const SIZES = [8_191, 8_192, 16_384, 5, 65_520, 65_536, 16_384, 200_000, 1, 16_384];

test("messages kept by the callback do not change, on many connections at once", async () => {
  const kept: Buffer[] = [];
  const { url } = await serve({
    perMessageDeflate: false,
    message: (socket, message) => {
      kept.push(message as Buffer);
      socket.send(message);
    },
  });
  const sockets = await Promise.all(
    Array.from({ length: 12 }, () => openWs(url, { perMessageDeflate: false })),
  );
  const sent = sockets.map((_, index) => SIZES.map((size, at) => pattern(size, index * 100 + at)));
  await Promise.all(
    sockets.map(async (socket, index) => {
      for (const message of sent[index] as Buffer[]) {
        socket.send(message);
        const [back] = (await once(socket, "message")) as [Buffer];
        expect(fingerprint(back)).toBe(fingerprint(message));
      }
    }),
  );
  expect(kept.map(fingerprint).sort()).toEqual(sent.flat().map(fingerprint).sort());
  // No more is kept alive than a block for each long one.
  for (const message of kept) {
    expect(message.buffer.byteLength).toBeLessThanOrEqual(
      Math.max(RECEIVE_BLOCK_BYTES, message.length * 1.25),
    );
  }
});

test("several in one chunk, read one by one", async () => {
  const { url } = await serve({ perMessageDeflate: false }, async (socket) => {
    for await (const message of socket) await socket.send(message);
  });
  const socket = await open(url, { perMessageDeflate: false });
  const sent = Array.from({ length: 40 }, (_, index) => pattern(12_000 + index, index));
  for (const message of sent) void socket.send(message);
  const got: Buffer[] = [];
  for (const message of sent) {
    const back = (await socket.receive()) as Buffer;
    got.push(back);
    expect(back.length).toBe(message.length);
  }
  expect(got.map(fingerprint)).toEqual(sent.map(fingerprint));
});

test("who transfers a message loses none of those behind it", async () => {
  let stream: ReadableByteStreamController | undefined;
  new ReadableStream({
    type: "bytes",
    start(controller) {
      stream = controller;
    },
  });
  let count = 0;
  const { url } = await serve({
    perMessageDeflate: false,
    message: (socket, message) => {
      count++;
      // Newer versions of Node refuse what shares its memory.
      try {
        stream?.enqueue(message as Buffer);
      } catch {}
      socket.send("taken");
    },
  });
  const socket = await open(url, { perMessageDeflate: false });
  for (let round = 0; round < 10; round++) {
    // Several in one chunk.
    for (let index = 0; index < 6; index++) void socket.send(pattern(10_000, index));
    for (let index = 0; index < 6; index++) expect(await socket.receive()).toBe("taken");
  }
  expect(count).toBe(60);
});

test("text and compressed messages among them", async () => {
  const kept: (string | Buffer)[] = [];
  const { url } = await serve({
    perMessageDeflate: { threshold: 20_000 },
    message: (socket, message) => {
      kept.push(message);
      socket.send(message);
    },
  });
  const socket = await openWs(url, { perMessageDeflate: { threshold: 20_000 } });
  const sent: (string | Buffer)[] = [];
  for (let index = 0; index < 10; index++) {
    sent.push(pattern(16_384, index), "ü".repeat(8_000 + index), pattern(30_000, 50 + index));
  }
  for (const message of sent) {
    socket.send(message);
    await once(socket, "message");
  }
  expect(kept.map((one) => fingerprint(one))).toEqual(sent.map((one) => fingerprint(one)));
});
