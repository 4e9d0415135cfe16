// The stream beneath a WebSocket, over memory: frames into it, bytes to its user, holding, ends.

import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import { parseConnectOptions } from "../../lib/net/parameters.ts";
import { makePolicy } from "../../lib/net/policy.ts";
import { Carrier, carrierDrained } from "../../lib/websocket/carrier.ts";
import { MemoryChannel } from "../contract/memory-channel.ts";
import { afterTest, open, serve } from "./support.ts";

function make(options: object = {}) {
  const [channel, peer] = MemoryChannel.pair();
  const parameters = parseConnectOptions({ ...options, drain: carrierDrained as never });
  const policy = makePolicy(parameters as never, "tcp", null);
  const carrier = new Carrier({ policy, slot: -1, generation: 0, channel } as never);
  const told: string[] = [];
  carrier.user = {
    opened: () => told.push("opened"),
    received: (chunk: Buffer, from: number, to: number) =>
      told.push(chunk.toString("latin1", from, to)),
    ended: () => told.push("ended"),
    flushed: () => told.push("flushed"),
    drained: () => told.push("drained"),
    concluded: () => told.push("concluded"),
    over: (ending: { error: Error | null }) => told.push(`over ${ending.error?.message ?? ""}`),
  };
  const sent: string[] = [];
  peer.setSink({
    onReceived: (slab: Buffer, from: number, length: number) =>
      sent.push(slab.toString("latin1", from, from + length)),
    onEnded: () => sent.push("END"),
    onFlushed() {},
    onFailed: () => sent.push("FAILED"),
    onClosed() {},
  } as never);
  afterTest(() => carrier.abort());
  return { carrier, peer, told, sent };
}

/** A frame as the protocol writes it. */
function put(carrier: Carrier, text: string): void {
  const area = carrier.reserve(text.length);
  area.write(text, carrier.offset, "latin1");
  carrier.commit(text.length);
}

describe("frames", () => {
  test("small ones are copied, large ones leave whole as well, in order", async () => {
    const { carrier, sent } = make();
    carrier.opened();
    put(carrier, "small");
    // As long as FrameOutput allows.
    const longest = "L".repeat(14 + 4_096);
    put(carrier, longest);
    put(carrier, "again");
    carrier.append(Buffer.from("by reference"));
    const all = `small${longest}againby reference`;
    await vi.waitFor(() => expect(sent.join("").length).toBe(all.length));
    expect(sent.join("") === all).toBe(true);
    expect(carrier.bufferedBytes).toBe(0);
  });

  test("B23: above the mark there is no room, and drained() comes", async () => {
    const { carrier, peer, told } = make({ sendHighWaterMark: 100_000 });
    carrier.opened();
    peer.pause();
    expect(carrier.hasRoom()).toBe(true);
    for (let n = 0; n < 10; n++) carrier.append(Buffer.alloc(50_000));
    expect([carrier.hasRoom(), carrier.isSlowAt(carrier.bufferedBytes)]).toEqual([false, true]);
    let isSent = false;
    void carrier.sent(Buffer.alloc(50_000), false, false).then(() => {
      isSent = true;
    });
    await turn();
    expect([isSent, told.includes("drained")]).toEqual([false, false]);
    peer.resume();
    for (let n = 0; n < 50 && !isSent; n++) await turn();
    expect([isSent, told.includes("drained"), told.includes("flushed")]).toEqual([
      true,
      true,
      true,
    ]);
  });
});

describe("bytes", () => {
  test("go to the user, are held, and go on", async () => {
    const { carrier, peer, told } = make();
    carrier.opened();
    peer.write(Buffer.from("one"));
    await vi.waitFor(() => expect(told).toEqual(["opened", "one"]));
    carrier.hold(true);
    carrier.hold(true);
    expect(carrier.isHeld).toBe(true);
    peer.write(Buffer.from("two"));
    for (let n = 0; n < 5; n++) await turn();
    expect(told).toEqual(["opened", "one"]);
    carrier.hold(false);
    expect(carrier.isHeld).toBe(false);
    await vi.waitFor(() => expect(told).toEqual(["opened", "one", "two"]));
    expect(carrier.bytesRead).toBe(6);
    peer.shutdown();
    await vi.waitFor(() => expect(told.at(-1)).toBe("ended"));
  });

  test("are not for who asks the stream itself: that is an error, and not silence", async () => {
    const { url } = await serve({ open: (socket) => void socket.write("hello") });
    const socket = await open(url);
    const { connection } = socket;
    const refused = expect.objectContaining({ code: "ERR_INVALID_STATE" });
    expect(() => connection.receive()).toThrow(refused);
    expect(() => connection[Symbol.asyncIterator]()).toThrow(refused);
    expect(() => connection.startTls()).toThrow(refused);
    expect(await socket.receive()).toBe("hello");
  });

  test("without a user they are those of a connection, for who asks", async () => {
    const { carrier, peer } = make();
    carrier.opened();
    carrier.user = null;
    peer.write(Buffer.from("plain"));
    expect(String(await carrier.receive())).toBe("plain");
  });
});

describe("ends", () => {
  test("conclude() asks the user, finish() ends the stream", async () => {
    const { carrier, peer, told, sent } = make();
    carrier.opened();
    carrier.conclude();
    expect([told, carrier.state]).toEqual([["opened", "concluded"], "ready"]);
    put(carrier, "last");
    carrier.finish();
    await vi.waitFor(() => expect(sent.join("")).toBe("lastEND"));
    peer.shutdown();
    await carrier.closed;
    expect(told).toContain("over ");
    expect(carrier.user).toBeNull();
  });

  test("failWith() tells the error to the user, once", async () => {
    const { carrier, told } = make();
    carrier.opened();
    carrier.failWith(carrier.errorOf("ENOBUFS", "write", { phase: "open" }), "local");
    const { error, initiator } = await carrier.closed;
    expect([error?.code, error?.phase, initiator]).toEqual(["ENOBUFS", "open", "local"]);
    expect(told.filter((one) => one.startsWith("over"))).toEqual([`over ${error?.message}`]);
    await expect(carrier.refuseSend()).rejects.toBe(error);
  });

  test("release() gives the descriptor away, and nothing where there is none", async () => {
    expect(make().carrier.release()).toBe(-1);
    const { url, listener } = await serve({ open: () => {} });
    const socket = await open(url);
    const carrier = socket.connection as Carrier;
    const fd = carrier.release();
    expect(fd).toBeGreaterThan(0);
    expect([carrier.fd, carrier.user]).toEqual([-1, null]);
    const net = await import("node:net");
    const plain = new net.Socket({ fd });
    const [server] = listener.connections;
    server?.write("still open");
    const bytes = await new Promise<Buffer>((resolve) => plain.once("data", resolve));
    expect(bytes.toString("latin1")).toBe("\x81\x0astill open");
    plain.destroy();
  });
});
