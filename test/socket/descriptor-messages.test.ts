// Descriptors in messages (SCM_RIGHTS) over Unix sockets, both ways, and that none leaks.

import { spawn } from "node:child_process";
import { closeSync, readSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import type { DescriptorMessage } from "../../lib/socket/descriptor-messages.ts";
import { reactor } from "../../lib/socket/reactor.ts";
import { StreamSocket } from "../../lib/socket/stream-socket.ts";
import {
  closeAll,
  connected,
  isOpen,
  openDescriptors,
  openFile,
  pair,
  rejection,
  tracked,
  until,
} from "./support.ts";

afterEach(closeAll);

/** Receives one message and closes what came with it. */
async function take(socket: StreamSocket): Promise<DescriptorMessage | null> {
  const message = await socket.receiveDescriptors();
  for (const fd of message?.fds ?? []) closeSync(fd);
  return message;
}

describe("a message with descriptors", () => {
  test("brings descriptors of the same files, the caller's to close", async () => {
    const [left, right] = pair();
    const fd = openFile(import.meta.filename);
    const before = openDescriptors();
    await left.sendDescriptors("two of them", [fd, fd]);
    const message = await right.receiveDescriptors();
    expect(String(message?.data)).toBe("two of them");
    expect(message?.truncated).toBe(false);
    expect(message?.fds.length).toBe(2);
    expect(openDescriptors()).toBe(before + 2);
    const [first = -1, second = -1] = message?.fds ?? [];
    expect(new Set([fd, first, second]).size).toBe(3);
    expect(readSync(first, Buffer.alloc(4))).toBe(4);
    closeSync(first);
    closeSync(second);
    expect(isOpen(fd)).toBe(true);
  });

  test("may be overwritten at once where it is small, as with send", async () => {
    const [left, right] = pair();
    const bytes = Buffer.from("as it was");
    const sent = left.sendDescriptors(bytes, [openFile()]);
    bytes.fill("x");
    await sent;
    expect(String((await take(right))?.data)).toBe("as it was");
  });

  test("brings a socket that works", async () => {
    const [left, right] = pair();
    const { client, server } = await connected("IPv4");
    await left.sendDescriptors("x", [server.fd]);
    await server.close();
    const message = await right.receiveDescriptors();
    const passed = message?.fds[0] ?? -1;
    const socket = tracked(StreamSocket.adopt(passed));
    closeSync(passed);
    await client.send("over the passed one");
    expect(String(await socket.receive())).toBe("over the passed one");
  });

  test("takes sixteen, and no more", async () => {
    const [left, right] = pair();
    const fd = openFile();
    await left.sendDescriptors("x", new Array(16).fill(fd));
    expect((await take(right))?.fds.length).toBe(16);
    expect(() => left.sendDescriptors("x", new Array(17).fill(fd))).toThrow(RangeError);
    expect(() => left.sendDescriptors("x", [])).toThrow(RangeError);
    expect(() => left.sendDescriptors("", [fd])).toThrow(/at least one byte/);
    expect(() => left.sendDescriptors("x", [-1])).toThrow(/fds\[0\]/);
    expect(() => left.sendDescriptors("x", fd as never)).toThrow(TypeError);
    const closed = openFile();
    closeSync(closed);
    expect(await rejection(left.sendDescriptors("x", [closed]))).toMatchObject({ code: "EBADF" });
  });

  test("keeps its place among the sends before and after it", async () => {
    const [left, right] = pair();
    const fd = openFile();
    const size = 2_000_000;
    const sent = [
      left.send(Buffer.alloc(size, "a")),
      left.sendDescriptors("FD", [fd]),
      left.send("after"),
      left.sendDescriptors("FD", [fd]),
    ];
    left.shutdown("write");
    let text = "";
    let before = 0;
    // The kernel joins bytes before a message with it, so a place is a range.
    const places: [number, number][] = [];
    for (;;) {
      const message = await take(right);
      if (message === null) break;
      const from = before;
      before += message.data.length;
      if (message.fds.length > 0) places.push([from, before]);
      text += String(message.data).replaceAll("a", "");
    }
    await Promise.all(sent);
    expect(text).toBe("FDfterFD");
    expect(places.length).toBe(2);
    for (const [index, at] of [size, size + 2 + 5].entries()) {
      const [from = 0, to = 0] = places[index] ?? [];
      expect(from).toBeLessThanOrEqual(at);
      expect(to).toBe(at + 2);
    }
  });

  test("waits for room", async () => {
    const [left, right] = pair();
    const fd = openFile();
    // Past the channel, so that nothing of it is in the outbox.
    const chunk = Buffer.alloc(8_192);
    const { slot, generation } = slotOf(left);
    while (reactor.sendDescriptors(slot, generation, chunk, Int32Array.of(fd), 1) > 0);
    let done = false;
    const sent = left.sendDescriptors("last", [fd]).then(() => {
      done = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(done).toBe(false);
    let last = "";
    while (last !== "last") last = String((await take(right))?.data);
    await sent;
  });

  test("is cut off by close with ECANCELED, and so is what stands behind it", async () => {
    const [left] = pair();
    const fd = openFile();
    const sent = [
      left.send(Buffer.alloc(5_000_000)),
      left.sendDescriptors("x", [fd]),
      left.send("behind"),
    ];
    const outcomes = Promise.all(sent.map(rejection));
    await until(() => left.bufferedAmount < 5_000_000);
    await left.close();
    for (const error of await outcomes) expect(error).toMatchObject({ code: "ECANCELED" });
  });

  test("large data goes on after the part that carried the descriptors", async () => {
    const [left, right] = pair();
    const fd = openFile();
    const data = Buffer.alloc(1_000_000, "0123456789");
    const sent = left.sendDescriptors(data, [fd]);
    const chunks: Buffer[] = [];
    let count = 0;
    for (let size = 0; size < data.length; ) {
      const message = await take(right);
      count += message?.fds.length ?? 0;
      chunks.push(message?.data ?? Buffer.alloc(0));
      size += message?.data.length ?? 0;
    }
    await sent;
    expect(count).toBe(1);
    expect(Buffer.concat(chunks).equals(data)).toBe(true);
  });
});

describe("receiving", () => {
  test("waits for a message that comes later, and for several in turn", async () => {
    const [left, right] = pair();
    const fd = openFile();
    const waiting = [take(right), take(right)];
    await left.sendDescriptors("one", [fd]);
    await left.sendDescriptors("two", [fd]);
    const messages = await Promise.all(waiting);
    expect(messages.map((one) => String(one?.data))).toEqual(["one", "two"]);
    expect(messages.map((one) => one?.fds.length)).toEqual([1, 1]);
  });

  test("may change between messages and plain bytes, and misses nothing", async () => {
    const [left, right] = pair();
    const fd = openFile();
    await left.sendDescriptors("1", [fd]);
    await left.sendDescriptors("2", [fd]);
    expect((await take(right))?.fds.length).toBe(1);
    // The second one's edge came with the first.
    const before = openDescriptors();
    expect(String(await right.receive())).toBe("2");
    expect(openDescriptors()).toBe(before);
    await left.sendDescriptors("3", [fd]);
    expect((await take(right))?.fds.length).toBe(1);
    const waiting = right.receive();
    await left.send("4");
    expect(String(await waiting)).toBe("4");
  });

  test("plain reads leave descriptors that come unasked to the kernel: none leaks", async () => {
    const [left, right] = pair();
    const fd = openFile();
    const before = openDescriptors();
    for (let round = 0; round < 50; round++) {
      await left.sendDescriptors("x", [fd, fd, fd]);
      expect(String(await right.receive())).toBe("x");
    }
    expect(openDescriptors()).toBe(before);
  });

  test("gives null at the end, again and again (B15)", async () => {
    const [left, right] = pair();
    const waiting = right.receiveDescriptors();
    await left.close();
    expect(await waiting).toBeNull();
    expect(await right.receiveDescriptors()).toBeNull();
    expect(await right.receive()).toBeNull();
  });

  test("is cut off by close with ECANCELED, and cannot stand beside receive", async () => {
    const [left, right] = pair();
    const waiting = rejection(right.receiveDescriptors());
    await until(() => isWaitingForMessage(right));
    await right.close();
    expect(await waiting).toMatchObject({ code: "ECANCELED" });
    const plain = rejection(left.receive());
    expect(await rejection(left.receiveDescriptors())).toMatchObject({ code: "ERR_INVALID_STATE" });
    await left.close();
    expect(await plain).toMatchObject({ code: "ECANCELED" });
  });

  test("says what the peer's end was", async () => {
    const [left, right] = pair();
    await right.send("unread");
    await left.close();
    expect(await rejection(right.receiveDescriptors())).toMatchObject({ code: "ECONNRESET" });
  });

  test("is for Unix sockets only", async () => {
    const { client } = await connected("IPv4");
    const fd = openFile();
    expect(await rejection(client.sendDescriptors("x", [fd]))).toMatchObject({ code: "ENOTSUP" });
    expect(await rejection(client.receiveDescriptors())).toMatchObject({ code: "ENOTSUP" });
  });
});

test("descriptors that arrive are close-on-exec: a child has none of them", async () => {
  const [left, right] = pair();
  await left.sendDescriptors("x", [openFile(import.meta.filename)]);
  const message = await right.receiveDescriptors();
  const fd = message?.fds[0] ?? -1;
  const child = spawn(process.execPath, ["-e", `require("fs").fstatSync(${fd})`], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let errors = "";
  for await (const chunk of child.stderr) errors += String(chunk);
  closeSync(fd);
  expect(errors).toContain("EBADF");
});

function slotOf(socket: StreamSocket): { slot: number; generation: number } {
  // Slots are found by their descriptor: names of them are nobody's business above.
  for (let slot = 0; slot < 10_000; slot++) {
    for (let generation = 1; generation < 500; generation++) {
      if (reactor.descriptorOf(slot, generation) === socket.fd) return { slot, generation };
    }
  }
  throw new Error("no such slot");
}

function isWaitingForMessage(socket: StreamSocket): boolean {
  try {
    void socket.receive({ signal: AbortSignal.abort() }).catch(() => {});
    return false;
  } catch {
    return true;
  }
}
