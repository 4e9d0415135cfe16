// One connection: the closing handshake as a grid of state x event, pings, bounds, time-outs, and
// what happens when reading is held back. Everything in memory, time as numbers.

import { describe, expect, test } from "vitest";
import type { ProtocolOptions } from "../../../lib/websocket/protocol/index.ts";
import {
  closePayload,
  feed,
  feedCut,
  makeSide,
  parseFrames,
  peerFrame,
  sentClose,
} from "./support.ts";

const ROLES = ["server", "client"] as const;
const TEXT = 1;
const BINARY = 2;

describe.each(ROLES)("a %s", (role) => {
  const make = (options: Partial<ProtocolOptions> = {}, now = 0) =>
    makeSide({ role, ...options }, null, now);
  const fromPeer = (opcode: number, payload: Buffer | string = "", fin = true) =>
    peerFrame(role, { opcode, payload, fin });

  test("sends text, binary, ping and pong, masked as its role must", () => {
    const side = make();
    expect(side.protocol.sendText("hé", true, 0)).toBe(true);
    expect(side.protocol.sendBinary(Buffer.alloc(70_000, 5), true, 0)).toBe(true);
    expect(side.protocol.send("as binary", true, true, 0)).toBe(true);
    expect(side.protocol.send(Buffer.from("as text"), false, true, 0)).toBe(true);
    expect(side.protocol.ping(Buffer.from("p"))).toBe(true);
    expect(side.protocol.pong()).toBe(true);
    const frames = parseFrames(side.output.take());
    expect(frames.map((frame) => frame.opcode)).toEqual([TEXT, BINARY, BINARY, TEXT, 9, 10]);
    expect(frames.every((frame) => frame.masked === (role === "client") && frame.fin)).toBe(true);
    expect(frames[0]?.payload.toString()).toBe("hé");
    expect(frames[1]?.payload.equals(Buffer.alloc(70_000, 5))).toBe(true);
    expect(frames[3]?.payload.toString()).toBe("as text");
  });

  test("B42 answers a Close with its code, once, and tells the application", () => {
    const side = make();
    feed(side, fromPeer(8, closePayload(3001, "why")));
    expect(
      parseFrames(side.output.take()).map((f) => [f.opcode, f.payload.toString("hex")]),
    ).toEqual([[8, "0bb9"]]);
    expect(side.protocol.state).toBe("closeExchanged");
    expect(side.handler.named("closing")).toEqual([["closing", 3001, "why"]]);
    // Section 7.1.1: the server ends TCP first, the client waits for it.
    expect(side.handler.named("shutdown").length).toBe(role === "server" ? 1 : 0);
    side.protocol.end(1);
    expect(side.handler.named("shutdown").length).toBe(1);
    side.protocol.transportClosed(2);
    expect(side.handler.closed).toEqual({
      code: 3001,
      reason: "why",
      wasClean: true,
      initiator: "remote",
      sentCode: 3001,
      failure: null,
    });
  });

  test("B42 an empty Close is answered with an empty one and told as 1005", () => {
    const side = make();
    feed(side, fromPeer(8));
    expect(sentClose(side)).toBe(1005);
    side.protocol.transportClosed(1);
    expect(side.handler.closed).toMatchObject({ code: 1005, wasClean: true, sentCode: undefined });
  });

  test("B42 nothing is sent after our Close, and a second close() changes nothing", () => {
    const side = make();
    side.protocol.close(1000, "done", 0);
    side.protocol.close(1001, "again", 0);
    expect(side.protocol.sendText("late", true, 0)).toBe(false);
    expect(side.protocol.sendBinary(Buffer.alloc(1), true, 0)).toBe(false);
    expect(side.protocol.ping()).toBe(false);
    expect(side.protocol.pong()).toBe(false);
    feed(side, fromPeer(9, "no answer"));
    const frames = parseFrames(side.output.take());
    expect(frames.map((frame) => frame.payload.toString("hex"))).toEqual([
      closePayload(1000, "done").toString("hex"),
    ]);
    expect(side.protocol.state).toBe("closeSent");
  });

  test("B42 after our Close the peer's messages are dropped, or told if so asked", () => {
    for (const deliverWhileClosing of [false, true]) {
      const side = make({ deliverWhileClosing });
      side.protocol.close(1000, "", 0);
      feed(side, fromPeer(TEXT, "in flight"));
      expect(side.handler.messages).toEqual(deliverWhileClosing ? ["in flight"] : []);
      feed(side, Buffer.concat([fromPeer(8, closePayload(1000)), fromPeer(TEXT, "after")]));
      expect(side.protocol.state).toBe("closeExchanged");
      expect(side.handler.messages.includes("after")).toBe(false);
      expect(side.handler.named("shutdown").length).toBe(role === "server" ? 1 : 0);
    }
  });

  test("B42 the transport's end without a Close is 1006 and not clean", () => {
    const side = make();
    feed(side, fromPeer(TEXT, "cut", false));
    side.protocol.end(5);
    expect(side.handler.named("shutdown").length).toBe(1);
    side.protocol.transportClosed(6);
    side.protocol.transportClosed(7);
    expect(side.handler.named("closed").length).toBe(1);
    expect(side.handler.closed).toMatchObject({ code: 1006, wasClean: false, initiator: "remote" });
    expect(side.protocol.sendText("x", true, 8)).toBe(false);
  });

  test("B42 the transport's end after our Close alone is 1006, begun by us", () => {
    const side = make();
    side.protocol.close(1000, "", 0);
    side.protocol.transportClosed(1);
    expect(side.handler.closed).toMatchObject({
      code: 1006,
      wasClean: false,
      initiator: "local",
      sentCode: 1000,
    });
  });

  test("a violation sends its code, ends the transport and reads nothing more", () => {
    const side = make();
    feed(side, Buffer.concat([fromPeer(TEXT, Buffer.from([0xff])), fromPeer(TEXT, "after")]));
    expect(sentClose(side)).toBe(1007);
    expect(side.protocol.state).toBe("failed");
    expect(side.handler.named("shutdown").length).toBe(1);
    feed(side, fromPeer(8, closePayload(1007)));
    expect(side.handler.named("closing")).toEqual([]);
    side.protocol.transportClosed(1);
    expect(side.handler.closed).toMatchObject({
      code: 1006,
      wasClean: false,
      initiator: "local",
      sentCode: 1007,
      failure: { closeCode: 1007 },
    });
    expect(side.handler.messages).toEqual([]);
  });

  test("a violation after our Close sends nothing more", () => {
    const side = make();
    side.protocol.close(1000, "", 0);
    side.output.take();
    feed(side, fromPeer(3));
    expect(side.output.take().length).toBe(0);
    expect(side.handler.named("shutdown").length).toBe(1);
  });

  test("B47 close() takes only codes that may go on the wire", () => {
    const side = make();
    for (const code of [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 1000.5, Number.NaN]) {
      expect(() => side.protocol.close(code, "", 0)).toThrow(
        expect.objectContaining({ name: "RangeError", code: "ERR_OUT_OF_RANGE" }),
      );
    }
    expect(() => side.protocol.close("1000" as unknown as number, "", 0)).toThrow(TypeError);
    expect(() => side.protocol.close(1000, "x".repeat(124), 0)).toThrow(RangeError);
    expect(() => side.protocol.close(undefined, "reason", 0)).toThrow(TypeError);
    expect(side.protocol.state).toBe("open");
    expect(side.output.take().length).toBe(0);
  });

  test("B45 pings are answered with their payload before the application hears of them", () => {
    const side = make();
    let written = 0;
    side.handler.react = () => {
      written = side.output.bufferedBytes;
    };
    feed(side, fromPeer(9, "abc"));
    expect(written).toBeGreaterThan(0);
    expect(parseFrames(side.output.take()).map((f) => [f.opcode, f.payload.toString()])).toEqual([
      [10, "abc"],
    ]);
    feed(side, fromPeer(10, "unasked"));
    expect(side.handler.told).toEqual([
      ["ping", "abc"],
      ["pong", "unasked"],
    ]);
  });

  test("B45 autoPong: false leaves the answer to the application", () => {
    const side = make({ autoPong: false });
    feed(side, fromPeer(9, "abc"));
    expect(side.output.take().length).toBe(0);
    expect(side.handler.named("ping")).toEqual([["ping", "abc"]]);
  });

  test("B45 a peer that does not read gets one answer, to its newest ping", () => {
    const side = make();
    side.protocol.sendBinary(Buffer.alloc(100_000), true, 0);
    for (let at = 0; at < 500; at++) feed(side, fromPeer(9, `ping ${at}`));
    expect(side.output.bufferedBytes).toBeLessThan(100_020);
    side.output.take();
    side.protocol.flushed();
    side.protocol.flushed();
    expect(parseFrames(side.output.take()).map((f) => f.payload.toString())).toEqual(["ping 499"]);
  });

  test("B46 a flood of control frames is 1008, the same number over more time is not", () => {
    const limits = { maxControlFramesPerSecond: 50 };
    const flooded = make({ limits });
    for (let at = 0; at < 51; at++) feed(flooded, fromPeer(at % 2 === 0 ? 9 : 10), 10);
    expect(sentClose(flooded)).toBe(1008);
    expect(flooded.handler.named("ping").length + flooded.handler.named("pong").length).toBe(50);
    const calm = make({ limits });
    for (let at = 0; at < 500; at++) feed(calm, fromPeer(9), at * 21);
    expect(calm.protocol.state).toBe("open");
  });

  test("B46 unsent bytes are bounded: the send above the bound fails the connection", () => {
    const side = make({ limits: { maxQueuedBytes: 10_000 } });
    expect(side.protocol.sendBinary(Buffer.alloc(9_000), true, 0)).toBe(true);
    expect(side.protocol.sendBinary(Buffer.alloc(9_000), true, 0)).toBe(true);
    expect(side.protocol.sendBinary(Buffer.alloc(1), true, 0)).toBe(false);
    expect(side.handler.told).toEqual([["abort", "queueOverflow"]]);
    side.protocol.transportClosed(1);
    expect(side.handler.closed).toMatchObject({ code: 1006, initiator: "local" });
    expect(side.handler.closed?.failure).not.toBeNull();
  });

  test("control payloads above 125 bytes and wrong types throw", () => {
    const side = make();
    expect(() => side.protocol.ping(Buffer.alloc(126))).toThrow(RangeError);
    expect(() => side.protocol.pong("x" as unknown as Buffer)).toThrow(TypeError);
    expect(() => side.protocol.sendText(5 as unknown as string, true, 0)).toThrow(TypeError);
    expect(() => side.protocol.sendBinary("x" as unknown as Buffer, true, 0)).toThrow(TypeError);
    expect(() => side.protocol.sendPart(null as unknown as string, true, true, 0)).toThrow(
      TypeError,
    );
  });

  test("messages in parts: one message of several frames, code points whole", () => {
    const side = make();
    side.protocol.sendPart("a\ud83d", false, true, 0);
    side.protocol.ping();
    side.protocol.sendPart("\ude00b", false, true, 0);
    expect(() => side.protocol.sendText("whole", true, 0)).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_STATE" }),
    );
    expect(() => side.protocol.sendPart(Buffer.alloc(1), true, true, 0)).toThrow(TypeError);
    side.protocol.sendPart("", true, true, 0);
    side.protocol.sendText("whole", true, 0);
    const frames = parseFrames(side.output.take());
    expect(frames.map((f) => [f.opcode, f.fin, f.payload.toString()])).toEqual([
      [TEXT, false, "a"],
      [9, true, ""],
      [0, false, "😀b"],
      [0, true, ""],
      [TEXT, true, "whole"],
    ]);
  });

  test("received parts are strings cut at code points, or bytes", () => {
    const side = make({ stream: true });
    const bytes = Buffer.from("aé€😀z");
    const text = peerFrame(role, { opcode: TEXT, payload: bytes });
    feedCut(
      side,
      text,
      Array.from({ length: text.length - 1 }, (_, at) => at + 1),
    );
    const parts = side.handler.named("part");
    expect(parts.map((part) => part[1]).join("")).toBe("aé€😀z");
    expect(parts.every((part) => !String(part[1]).includes("\ufffd"))).toBe(true);
    expect(parts.map((part) => part[2])).toEqual(parts.map((_, at) => at === 0));
    expect(parts.map((part) => part[3])).toEqual(parts.map((_, at) => at === parts.length - 1));
  });

  test("pause() holds what has come, resume() delivers it in order", () => {
    const side = make();
    side.handler.react = (entry) => {
      if (entry[1] === "one") side.protocol.pause();
    };
    feed(side, Buffer.concat([fromPeer(TEXT, "one"), fromPeer(TEXT, "two"), fromPeer(9, "p")]));
    feed(side, fromPeer(TEXT, "three"));
    expect(side.protocol.reading).toBe(false);
    expect(side.handler.messages).toEqual(["one"]);
    expect(side.output.take().length).toBe(0);
    side.protocol.resume(1);
    expect(side.handler.told.map((entry) => entry[1])).toEqual(["one", "two", "p", "three"]);
  });

  test("B15 the end waits for what is held back", () => {
    const side = make();
    side.protocol.pause();
    feed(side, Buffer.concat([fromPeer(TEXT, "last words"), fromPeer(8, closePayload(1000))]));
    side.protocol.end(1);
    side.protocol.transportClosed(2);
    expect(side.handler.told).toEqual([]);
    side.protocol.resume(3);
    const names = side.handler.told.map((entry) => entry[0]);
    expect(names.filter((name) => name !== "shutdown")).toEqual(["message", "closing", "closed"]);
    // Our Close could not leave any more.
    expect(side.handler.closed).toMatchObject({ code: 1000, wasClean: false });
  });

  test("an exception in a handler passes through and loses nothing", () => {
    const side = make();
    side.handler.react = (entry) => {
      if (entry[1] === "bad") throw new Error("mine");
    };
    const bytes = Buffer.concat([fromPeer(TEXT, "bad"), fromPeer(TEXT, "good")]);
    expect(() => feed(side, bytes)).toThrow("mine");
    side.protocol.resume(1);
    expect(side.handler.messages).toEqual(["bad", "good"]);
  });

  test("close() inside a message callback: nothing more of that chunk is delivered", () => {
    const side = make();
    side.handler.react = (entry) => {
      if (entry[1] === "stop") side.protocol.close(1000, "", 0);
    };
    feed(side, Buffer.concat(["a", "stop", "b"].map((text) => fromPeer(TEXT, text))));
    expect(side.handler.messages).toEqual(["a", "stop"]);
  });

  test("receive() inside the same connection's callback is held, not lost or nested", () => {
    const side = make();
    let depth = 0;
    side.handler.react = (entry) => {
      expect(++depth).toBe(1);
      if (entry[1] === "a") feed(side, fromPeer(TEXT, "c"));
      depth--;
    };
    feed(side, Buffer.concat([fromPeer(TEXT, "a"), fromPeer(TEXT, "b")]));
    expect(side.handler.messages).toEqual(["a", "b", "c"]);
  });

  test("fail(1011) is what the glue does for an exception of a handler", () => {
    const side = make();
    side.protocol.fail(1011, "handler failed");
    expect(sentClose(side)).toBe(1011);
    expect(side.handler.named("shutdown").length).toBe(1);
    side.protocol.transportClosed(1);
    expect(side.handler.closed?.failure).toEqual({ closeCode: 1011, message: "handler failed" });
  });
});
