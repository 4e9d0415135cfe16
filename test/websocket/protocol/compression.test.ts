// Compressed connections, both sides in memory: order while the thread pool works, bounds, parts,
// and what waits for what.

import { constants, deflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import {
  type DeflateParameters,
  PreparedMessage,
  type ProtocolOptions,
} from "../../../lib/websocket/protocol/index.ts";
import {
  closePayload,
  digests,
  exchange,
  FULL_DEFLATE,
  feed,
  makeSide,
  parseFrames,
  peerFrame,
  type Side,
  sentClose,
} from "./support.ts";

const ON = { deflate: { threshold: 0 } };

function pair(
  deflate: DeflateParameters = FULL_DEFLATE,
  options: Partial<ProtocolOptions> = ON,
): [Side, Side] {
  const client = makeSide({ role: "client", ...ON, ...options }, deflate);
  const server = makeSide({ role: "server", ...ON, ...options }, deflate);
  return [client, server];
}

function compress(text: string | Buffer): Buffer {
  const bytes = deflateRawSync(Buffer.from(text as string), {
    finishFlush: constants.Z_SYNC_FLUSH,
  });
  return bytes.subarray(0, bytes.length - 4);
}

const json = (at: number, size: number) =>
  JSON.stringify({ at, text: "lorem ipsum ".repeat(size) });

/** Exchanges until both sides are silent and no work is left in the thread pool. */
async function settle(sides: [Side, Side], done: () => boolean): Promise<void> {
  while (!done()) {
    exchange(...sides);
    await new Promise((resolve) => setImmediate(resolve));
  }
  exchange(...sides);
}

describe.each([
  ["takeover", FULL_DEFLATE],
  [
    "no takeover",
    { ...FULL_DEFLATE, serverNoContextTakeover: true, clientNoContextTakeover: true },
  ],
  ["small windows", { ...FULL_DEFLATE, serverMaxWindowBits: 9, clientMaxWindowBits: 10 }],
])("%s", (_, deflate) => {
  test("messages of all sizes, small ones and large ones mixed, arrive in order", async () => {
    const sides = pair(deflate);
    const [client, server] = sides;
    server.handler.react = (entry) => {
      if (entry[0] === "message")
        server.protocol.send(entry[1] as string, typeof entry[1] !== "string", true, 0);
    };
    const messages: (string | Buffer)[] = [];
    for (let at = 0; at < 30; at++) {
      messages.push(
        json(at, at % 5 === 0 ? 8_000 : at * 3),
        Buffer.alloc(at * 1_500, at),
        `small ${at}`,
        "",
      );
    }
    for (const message of messages)
      client.protocol.send(message, typeof message !== "string", true, 0);
    expect(client.protocol.bufferedBytes).toBeGreaterThan(client.output.bufferedBytes);
    expect(client.protocol.compressing).toBe(true);
    await settle(sides, () => client.handler.messages.length >= messages.length);
    expect(digests(client.handler.messages)).toEqual(digests(messages));
    expect(client.handler.named("queueEmpty").length).toBeGreaterThan(0);
    expect(client.protocol.bufferedBytes).toBe(0);
    expect(client.protocol.compressing).toBe(false);
  });

  test("parts are compressed part by part and arrive whole, or as parts", async () => {
    for (const stream of [false, true]) {
      const sides = pair(deflate, { stream });
      const [client, server] = sides;
      const parts = ["first ", "", "ü".repeat(3_000), "\ud83d", "\ude00", json(1, 9_000), ""];
      for (const [at, part] of parts.entries()) {
        client.protocol.sendPart(part, at === parts.length - 1, true, 0);
      }
      client.protocol.sendPart(Buffer.from("bin"), true, true, 0);
      const done = () => {
        if (!stream) return server.handler.messages.length === 2;
        return server.handler.named("part").filter((part) => part[3]).length === 2;
      };
      await settle(sides, done);
      const whole = parts.join("");
      if (!stream) {
        expect(server.handler.messages).toEqual([whole, Buffer.from("bin")]);
        continue;
      }
      const told = server.handler.named("part");
      const text = told.filter((part) => typeof part[1] === "string");
      expect(text.map((part) => part[1]).join("") === whole).toBe(true);
      expect(text.filter((part) => part[2]).length).toBe(1);
      const binary = told
        .filter((part) => typeof part[1] !== "string")
        .map((part) => part[1] as Buffer);
      expect(Buffer.concat(binary).toString()).toBe("bin");
    }
  });
});

describe("what goes out", () => {
  test("RSV1 stands on the first frame only, and payloads below the threshold are plain", () => {
    const side = makeSide({ role: "server", deflate: { threshold: 100 } }, FULL_DEFLATE);
    side.protocol.sendText("a".repeat(99), true, 0);
    side.protocol.sendText("a".repeat(100), true, 0);
    side.protocol.sendText("ü".repeat(50), true, 0);
    side.protocol.sendText("a".repeat(100), false, 0);
    side.protocol.sendPart("a", false, true, 0);
    side.protocol.sendPart("b", true, true, 0);
    const frames = parseFrames(side.output.take());
    expect(frames.map((frame) => frame.rsv)).toEqual([0, 4, 4, 0, 4, 0]);
  });

  test("what does not shrink goes plain, and the peer's window stays in step", () => {
    const sides = pair();
    const [client, server] = sides;
    const noise = Buffer.from(Array.from({ length: 500 }, (_, at) => (at * 7919 * (at + 3)) >>> 3));
    for (const each of [Buffer.alloc(600, 1), noise, Buffer.alloc(600, 1), noise]) {
      server.protocol.sendBinary(each, true, 0);
    }
    const bytes = server.output.take();
    expect(
      parseFrames(bytes)
        .map((frame) => frame.rsv)
        .slice(0, 3),
    ).toEqual([4, 0, 4]);
    feed(client, bytes);
    expect(client.handler.messages).toEqual([
      Buffer.alloc(600, 1),
      noise,
      Buffer.alloc(600, 1),
      noise,
    ]);
  });

  test("B42 a Close waits behind what is being compressed, and nothing follows it", async () => {
    const sides = pair();
    const [client, server] = sides;
    client.protocol.sendText(json(1, 9_000), true, 0);
    client.protocol.sendText("behind", true, 0);
    client.protocol.close(1000, "", 0);
    expect(client.protocol.sendText("late", true, 0)).toBe(false);
    expect(client.output.bufferedBytes).toBe(0);
    await settle(sides, () => server.protocol.state === "closeExchanged");
    expect(server.handler.messages).toEqual([json(1, 9_000), "behind"]);
    expect(client.protocol.state).toBe("closeExchanged");
  });

  test("B42 a Close that waits counts: nothing is sent or told after it", async () => {
    for (const deliverWhileClosing of [false, true]) {
      const [client, server] = pair(FULL_DEFLATE, { deliverWhileClosing });
      server.protocol.sendText(json(1, 9_000), true, 0);
      server.protocol.close(4000, "ours", 0);
      expect(server.protocol.ping()).toBe(false);
      feed(server, peerFrame("server", { opcode: 1, payload: "in flight" }));
      expect(server.handler.messages).toEqual(deliverWhileClosing ? ["in flight"] : []);
      feed(server, peerFrame("server", { opcode: 8, payload: closePayload(4001) }));
      await server.handler.until((entry) => entry[0] === "shutdown");
      feed(client, server.output.take());
      await client.handler.until((entry) => entry[0] === "closing");
      expect(client.handler.named("closing")).toEqual([["closing", 4000, "ours"]]);
      server.protocol.transportClosed(1);
      const expected = { code: 4001, sentCode: 4000, wasClean: true, initiator: "local" };
      expect(server.handler.closed).toMatchObject(expected);
    }
  });

  test("the peer's Close is answered behind what is being compressed", async () => {
    const sides = pair();
    const [client, server] = sides;
    server.protocol.sendText(json(1, 9_000), true, 0);
    feed(server, peerFrame("server", { opcode: 8, payload: Buffer.from([0x03, 0xe8]) }));
    expect(server.protocol.state).toBe("closeReceived");
    expect(server.handler.named("shutdown")).toEqual([]);
    await server.handler.until((entry) => entry[0] === "shutdown");
    feed(client, server.output.take());
    await client.handler.until((entry) => entry[0] === "message");
    await client.handler.until((entry) => entry[0] === "closing");
    expect(server.protocol.state).toBe("closeExchanged");
  });

  test("the caller may reuse a small buffer while it waits", async () => {
    const sides = pair();
    const [client, server] = sides;
    client.protocol.sendText(json(1, 9_000), true, 0);
    const reused = Buffer.from("before");
    client.protocol.sendBinary(reused, false, 0);
    reused.fill(0);
    await settle(sides, () => server.handler.messages.length === 2);
    expect(server.handler.messages[1]).toEqual(Buffer.from("before"));
  });

  test("pings overtake what waits for the thread pool", () => {
    const [client] = pair();
    client.protocol.sendText(json(1, 9_000), true, 0);
    client.protocol.ping(Buffer.from("now"));
    expect(parseFrames(client.output.take()).map((frame) => frame.opcode)).toEqual([9]);
    client.protocol.transportClosed(1);
  });

  test("B46 what waits for the thread pool counts as unsent", () => {
    const [client] = pair(FULL_DEFLATE, { limits: { maxQueuedBytes: 50_000 } });
    expect(client.protocol.sendText(json(1, 9_000), true, 0)).toBe(true);
    expect(client.protocol.sendText("one too many", true, 0)).toBe(false);
    expect(client.handler.named("abort")).toEqual([["abort", "queueOverflow"]]);
  });

  test("a prepared message fits connections with any window, and later messages still do", () => {
    const prepared = new PreparedMessage(json(0, 100), { deflate: { threshold: 0 } });
    for (const bits of [9, 12, 15]) {
      const sides = pair({ ...FULL_DEFLATE, serverMaxWindowBits: bits });
      const [client, server] = sides;
      server.protocol.sendText(json(1, 20), true, 0);
      server.protocol.sendPrepared(prepared, 0);
      server.protocol.sendText(json(0, 100), true, 0);
      const bytes = server.output.take();
      expect(parseFrames(bytes).every((frame) => frame.rsv === 4)).toBe(true);
      feed(client, bytes);
      expect(client.handler.messages).toEqual([json(1, 20), json(0, 100), json(0, 100)]);
    }
    expect(prepared.compressedFrame(15)).toBe(prepared.compressedFrame(15));
    expect(new PreparedMessage("short", { deflate: {} }).compressedFrame(15)).toBeNull();
  });
});

describe("what comes in", () => {
  const make = (options: Partial<ProtocolOptions> = {}) =>
    makeSide({ role: "server", deflate: true, ...options }, FULL_DEFLATE);
  const frame = (payload: Buffer, opcode = 1, fin = true, rsv = 4) =>
    peerFrame("server", { opcode, payload, fin, rsv });

  test("while a large message is inflated nothing overtakes it and reading stops", async () => {
    const side = make();
    const large = json(1, 40_000);
    const rest = Buffer.concat([
      peerFrame("server", { opcode: 9, payload: "p" }),
      peerFrame("server", { opcode: 1, payload: "small" }),
      peerFrame("server", { opcode: 8, payload: Buffer.from([0x03, 0xe8]) }),
    ]);
    feed(side, Buffer.concat([frame(compress(large)), rest]));
    expect(side.protocol.reading).toBe(false);
    expect(side.handler.told).toEqual([["reading", false]]);
    side.protocol.end(1);
    side.protocol.transportClosed(2);
    await side.handler.until((entry) => entry[0] === "closed");
    const names = side.handler.told
      .map((entry) => entry[0])
      .filter((name) => name !== "reading" && name !== "shutdown");
    expect(names).toEqual(["message", "ping", "message", "closing", "closed"]);
    expect(side.handler.messages).toEqual([large, "small"]);
  });

  test("reading goes on after a large message, also behind the peer's Close", async () => {
    const side = makeSide({ role: "client", deflate: true }, FULL_DEFLATE);
    const large = peerFrame("client", { opcode: 1, rsv: 4, payload: compress(json(1, 40_000)) });
    const close = peerFrame("client", { opcode: 8, payload: Buffer.from([0x03, 0xe8]) });
    feed(side, Buffer.concat([large, large, close]));
    await side.handler.until((entry) => entry[0] === "reading" && entry[1] === true);
    expect(side.protocol.state).toBe("closeExchanged");
    // Two messages one after the other are one time of not reading.
    expect(side.handler.named("reading")).toEqual([
      ["reading", false],
      ["reading", true],
    ]);
  });

  test("B14 the time that a message takes to inflate is no silence of the peer", async () => {
    const timeouts = { heartbeatInterval: 1_000, heartbeatTimeout: 300 };
    const side = make({ timeouts });
    feed(side, frame(compress(json(1, 40_000))));
    expect(side.protocol.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
    side.protocol.tick(5_000);
    await side.handler.until((entry) => entry[0] === "reading" && entry[1] === true);
    expect(side.protocol.nextDeadline()).toBe(6_000);
  });

  test("a failure during inflation lets reading go on, for the transport's end", () => {
    const side = make();
    feed(side, frame(compress(json(1, 40_000))));
    side.protocol.fail(1011, "test");
    expect(side.handler.named("reading")).toEqual([
      ["reading", false],
      ["reading", true],
    ]);
  });

  test("an end that waited for an inflation is told when that fails, or is given up", async () => {
    const garbage = frame(Buffer.alloc(40_000, 0xff));
    const failing = make();
    feed(failing, garbage);
    failing.protocol.transportClosed(1);
    expect(failing.handler.closed).toBeUndefined();
    await failing.handler.until((entry) => entry[0] === "closed");
    expect(failing.handler.closed?.failure?.closeCode).toBe(1007);
    const givenUp = make();
    feed(givenUp, garbage);
    givenUp.protocol.transportClosed(1);
    givenUp.protocol.fail(1011, "a handler threw");
    expect(givenUp.handler.closed?.failure?.closeCode).toBe(1011);
  });

  test("pause() also holds a message that comes out of the thread pool", async () => {
    const side = make();
    feed(side, frame(compress(json(1, 40_000))));
    side.protocol.pause();
    // Work that began later has come back, twice: so has this.
    for (let round = 0; round < 2; round++) {
      const later = make();
      feed(later, frame(compress(json(2, 60_000))));
      await later.handler.until((entry) => entry[0] === "message");
    }
    expect(side.handler.messages).toEqual([]);
    side.protocol.resume(1);
    await side.handler.until((entry) => entry[0] === "message");
    expect(side.handler.messages).toEqual([json(1, 40_000)]);
  });

  test("B46 a chunk of many small bombs does not hold the loop", async () => {
    const side = make();
    const bomb = frame(compress(Buffer.alloc(120_000)), 2);
    const started = performance.now();
    feed(side, Buffer.concat(Array.from({ length: 200 }, () => bomb)));
    const inOneTurn = side.handler.messages.length;
    expect(inOneTurn).toBeLessThan(10);
    expect(side.protocol.reading).toBe(false);
    let turns = 0;
    while (side.handler.messages.length < 200) {
      const before = side.handler.messages.length;
      await new Promise((resolve) => setImmediate(resolve));
      turns++;
      expect(side.handler.messages.length - before).toBeLessThan(20);
    }
    expect(turns).toBeGreaterThan(20);
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(side.handler.messages.every((each) => (each as Buffer).length === 120_000)).toBe(true);
  });

  test("B46 a bomb is 1009, small or large, whole or in parts", async () => {
    const bomb = compress(Buffer.alloc(30_000_000));
    const small = compress(Buffer.alloc(60_000));
    for (const stream of [false, true]) {
      for (const payload of [small, bomb]) {
        const side = make({ stream, limits: { maxMessageBytes: 50_000 } });
        feed(side, frame(payload, 2));
        await side.handler.until((entry) => entry[0] === "shutdown");
        expect(sentClose(side)).toBe(1009);
        expect(side.handler.messages).toEqual([]);
        const told = side.handler
          .named("part")
          .reduce((sum, part) => sum + (part[1] as Buffer).length, 0);
        expect(told).toBeLessThanOrEqual(50_000);
      }
    }
  });

  test("invalid UTF-8 inside a compressed text is 1007, whole or in parts", async () => {
    for (const stream of [false, true]) {
      for (const bad of [
        [0x61, 0xff],
        [0xe2, 0x82],
      ]) {
        const side = make({ stream });
        feed(side, frame(compress(Buffer.from(bad))));
        await side.handler.until((entry) => entry[0] === "shutdown");
        expect(sentClose(side)).toBe(1007);
      }
    }
  });

  test("garbage is 1007, whole or in parts", async () => {
    for (const stream of [false, true]) {
      const side = make({ stream });
      feed(side, frame(Buffer.from("ffffff", "hex")));
      await side.handler.until((entry) => entry[0] === "shutdown");
      expect(sentClose(side)).toBe(1007);
    }
  });

  test("without compression agreed on, RSV1 is 1002", () => {
    const side = makeSide({ role: "server", deflate: true }, null);
    feed(side, frame(compress("x")));
    expect(sentClose(side)).toBe(1002);
  });

  test("blocks with BFINAL, over several frames, in both ways of delivery", async () => {
    const final = deflateRawSync("Hello");
    const payload = Buffer.concat([final, final, Buffer.from([0])]);
    for (const stream of [false, true]) {
      const side = make({ stream });
      for (const [at, byte] of payload.entries()) {
        const fin = at === payload.length - 1;
        feed(side, frame(Buffer.from([byte]), at === 0 ? 1 : 0, fin, at === 0 ? 4 : 0));
      }
      const told = stream ? "part" : "message";
      await side.handler.until((entry) => entry[0] === told && (!stream || entry[3] === true));
      expect(
        side.handler
          .named(told)
          .map((entry) => entry[1])
          .join(""),
      ).toBe("HelloHello");
    }
  });

  test("a streamed message is inflated as it comes and pause() holds it", async () => {
    const side = make({ stream: true });
    const bytes = Buffer.alloc(400_000, "stream ");
    side.handler.react = (entry) => {
      if (entry[0] === "part") side.protocol.pause();
    };
    feed(side, frame(compress(bytes), 2));
    let seen = 0;
    while (side.handler.named("part").every((part) => part[3] !== true)) {
      await side.handler.until(
        (entry) => entry[0] === "part" && side.handler.named("part").length > seen,
      );
      seen = side.handler.named("part").length;
      side.protocol.resume(1);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const parts = side.handler.named("part").map((part) => part[1] as Buffer);
    expect(Buffer.concat(parts).equals(bytes)).toBe(true);
    expect(Math.max(...parts.map((part) => part.length))).toBeLessThanOrEqual(16_384);
  });
});
