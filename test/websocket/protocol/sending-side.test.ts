// The sending half of the protocol: what may be sent when, the bound of what waits, our Close.

import { describe, expect, test, vi } from "vitest";
import {
  MemoryOutput,
  type ProtocolOptions,
  ProtocolSettings,
  WebSocketProtocol,
} from "../../../lib/websocket/protocol/index.ts";
import { FULL_DEFLATE, Recorder } from "./support.ts";

function make(options: Partial<ProtocolOptions> = {}, isDeflated = false) {
  const settings = new ProtocolSettings({ role: "server", ...options });
  const output = new MemoryOutput();
  const handler = new Recorder();
  const deflate = isDeflated ? FULL_DEFLATE : null;
  const protocol = new WebSocketProtocol(settings, output, handler, deflate, 0);
  return { protocol, output, handler };
}

const sends = (protocol: WebSocketProtocol) => [
  protocol.sendText("a", true, 0),
  protocol.sendBinary(Buffer.from("b"), true, 0),
  protocol.send("c", true, true, 0),
  protocol.sendPart("d", true, true, 0),
  protocol.ping(),
  protocol.pong(),
];

describe("what may be sent", () => {
  test("everything while it is open, nothing after our Close", () => {
    const { protocol, output } = make();
    expect(sends(protocol)).toEqual([true, true, true, true, true, true]);
    protocol.close(1_000, "done", 1);
    expect(protocol.state).toBe("closeSent");
    output.take();
    expect(sends(protocol)).toEqual([false, false, false, false, false, false]);
    expect(output.take().length).toBe(0);
  });

  test("nothing after a failure, and nothing after the transport has gone", () => {
    const failed = make();
    failed.protocol.fail(1_011, "mine");
    failed.output.take();
    expect(sends(failed.protocol)).not.toContain(true);
    const gone = make();
    gone.protocol.transportClosed(1);
    expect(sends(gone.protocol)).not.toContain(true);
    expect(gone.output.take().length).toBe(0);
  });

  test("wrong arguments throw and send nothing", () => {
    const { protocol, output } = make();
    expect(() => protocol.sendText(5 as never, true, 0)).toThrow(TypeError);
    expect(() => protocol.sendBinary("text" as never, true, 0)).toThrow(TypeError);
    expect(() => protocol.send(null as never, true, true, 0)).toThrow(TypeError);
    expect(() => protocol.ping(Buffer.alloc(126))).toThrow(RangeError);
    expect(() => protocol.close(1_005, "", 0)).toThrow(RangeError);
    expect(output.take().length).toBe(0);
    expect(protocol.state).toBe("open");
  });
});

describe("what waits", () => {
  test("B23: above maxQueuedBytes the next send fails the connection, once", () => {
    const { protocol, output, handler } = make({ limits: { maxQueuedBytes: 1_000 } });
    Object.defineProperty(output, "bufferedBytes", { value: 1_001 });
    expect(protocol.sendText("over", true, 0)).toBe(false);
    expect(protocol.sendText("again", true, 0)).toBe(false);
    expect(handler.named("abort")).toEqual([["abort", "queueOverflow"]]);
    expect(protocol.state).toBe("failed");
  });

  test("a Close waits for what is being compressed, and everything after it is refused", async () => {
    const { protocol, output, handler } = make({ deflate: { threshold: 0 } }, true);
    const large = Buffer.alloc(100_000, "compresses in the pool");
    expect(protocol.sendBinary(large, true, 0)).toBe(true);
    expect([protocol.compressing, protocol.bufferedBytes]).toEqual([true, large.length]);
    protocol.close(1_000, "", 1);
    expect([protocol.state, output.take().length]).toEqual(["open", 0]);
    expect(sends(protocol)).not.toContain(true);
    await vi.waitFor(() => expect(protocol.state).toBe("closeSent"));
    const bytes = output.take();
    expect(protocol.compressing).toBe(false);
    expect([...bytes.subarray(-4)]).toEqual([0x88, 0x02, 0x03, 0xe8]);
    expect(handler.named("shutdown")).toEqual([]);
  });
});

describe("our Close", () => {
  test("is written once; later calls change nothing, and it can be empty", () => {
    const { protocol, output } = make();
    protocol.close(undefined, "", 0);
    protocol.close(1_001, "later", 0);
    expect([...output.take()]).toEqual([0x88, 0x00]);
  });

  test("has its time: without an answer the transport is aborted", () => {
    const { protocol, handler } = make({ timeouts: { closeTimeout: 50 } });
    expect(protocol.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
    protocol.close(1_000, "", 100);
    expect(protocol.nextDeadline()).toBe(150);
    protocol.tick(149);
    expect(handler.named("abort")).toEqual([]);
    protocol.tick(150);
    protocol.tick(400);
    expect(handler.named("abort")).toEqual([["abort", "closeTimeout"]]);
  });

  test("of a failure has its code, and 1006 is never written", () => {
    const { protocol, output, handler } = make();
    protocol.fail(1_008, "mine");
    expect([...output.take()]).toEqual([0x88, 0x02, 0x03, 0xf0]);
    expect(handler.named("shutdown").length).toBe(1);
    const silent = make();
    silent.protocol.fail(1_006, "lost");
    expect(silent.output.take().length).toBe(0);
    expect(silent.handler.named("shutdown")).toEqual([]);
  });
});
