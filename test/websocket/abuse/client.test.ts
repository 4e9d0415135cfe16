// Attacks of a server on a client, over real sockets: answers without end, parameters that crash,
// frames that grow. docs/security.md names each of them.

import { once } from "node:events";
import net, { type AddressInfo, type Socket } from "node:net";
import { deflateRawSync } from "node:zlib";
import { describe, expect, test, vi } from "vitest";
import { connect, type HawserError } from "../../../lib/index.ts";
import { acceptFor } from "../../../lib/websocket/protocol/handshake-key.ts";
import { binary, continuation, ping, text } from "../../conformance/case.ts";
import { FrameReader, type FrameSpec } from "../../conformance/frames.ts";
import { afterTest } from "../support.ts";
import { MIB, serverFrames, slowness, timeLimitMs, victimClient } from "./support.ts";

/** A server that does with each request what it likes; gives its port. */
async function malicious(answer: (socket: Socket, key: string) => unknown): Promise<number> {
  const sockets = new Set<Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("data", (bytes) => {
      const key = /^sec-websocket-key: (.*)$/im.exec(bytes.toString("latin1"))?.[1] ?? "";
      void answer(socket, key.trim());
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  afterTest(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

function accepting(key: string, ...more: string[]): string {
  return [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${acceptFor(key)}`,
    ...more,
    "",
    "",
  ].join("\r\n");
}

async function failureOf(port: number, options: object = {}): Promise<HawserError> {
  const failed = connect(`ws://127.0.0.1:${port}/`, options).then(
    () => new Error("it connected"),
    (error: unknown) => error,
  );
  return (await failed) as HawserError;
}

describe("B46: answers without measure", () => {
  test.each([
    ["a head of 1 MB in one field", `HTTP/1.1 101 X\r\nX: ${"a".repeat(1_000_000)}`],
    ["a head of 2,000 fields", `HTTP/1.1 101 X\r\n${"X: a\r\n".repeat(2_000)}\r\n`],
    ["a first line of 1 MB", `HTTP/1.1 101 ${"a".repeat(1_000_000)}`],
    ["a thousand interim answers", "HTTP/1.1 100 Continue\r\n\r\n".repeat(1_000)],
    ["no HTTP at all", "\x00\xff\x00\xff\r\n\r\n"],
  ])("%s fails the upgrade", async (_, bytes) => {
    const port = await malicious((socket) => socket.write(bytes, "latin1"));
    const error = await failureOf(port);
    expect(error).toMatchObject({ code: "ERR_HAWSER_UPGRADE_FAILED", phase: "upgrade" });
  });

  test("an answer that drips in ends with handshakeTimeout", async () => {
    const port = await malicious((socket) => {
      socket.write("HTTP/1.1 101 X\r\n");
      const timer = setInterval(() => socket.write("X"), 20);
      socket.on("close", () => clearInterval(timer));
    });
    const error = await failureOf(port, { handshakeTimeout: 500 });
    expect(error).toMatchObject({ code: "ETIMEDOUT", phase: "upgrade" });
  });

  test("the body of a refusal is read to 64 KiB, however much comes", async () => {
    const port = await malicious(async (socket) => {
      socket.write("HTTP/1.1 403 Forbidden\r\n\r\n");
      for (let sent = 0; sent < 1_000 && !socket.destroyed; sent++) {
        if (socket.write(Buffer.alloc(65_536, "x"))) continue;
        await Promise.race([once(socket, "drain"), once(socket, "close")]);
      }
    });
    const error = await failureOf(port);
    expect(error.response).toMatchObject({ status: 403 });
    expect(error.response?.body.length).toBe(65_536);
  });
});

describe("what a server may not agree on", () => {
  test.each([
    ["CVE-2026-2229: a window of 16 bits", "permessage-deflate; server_max_window_bits=16"],
    ["CVE-2026-2229: a window of 0 bits", "permessage-deflate; server_max_window_bits=0"],
    [
      "CVE-2026-2229: a window of a million bits",
      "permessage-deflate; server_max_window_bits=999999",
    ],
    ["a window that is no number", "permessage-deflate; server_max_window_bits=x"],
    ["a parameter twice", "permessage-deflate; server_max_window_bits=9; server_max_window_bits=9"],
    ["an unknown parameter", "permessage-deflate; constructor"],
    ["an extension that was not offered", "x-webkit-deflate-frame"],
    ["the same extension twice", "permessage-deflate, permessage-deflate"],
  ])("%s fails the upgrade and nothing else", async (_, value) => {
    const port = await malicious((socket, key) =>
      socket.write(accepting(key, `Sec-WebSocket-Extensions: ${value}`)),
    );
    expect(await failureOf(port)).toMatchObject({ code: "ERR_HAWSER_UPGRADE_FAILED" });
  });

  test("a subprotocol that was not offered, and a wrong accept, fail the upgrade", async () => {
    const other = await malicious((socket, key) =>
      socket.write(accepting(key, "Sec-WebSocket-Protocol: other")),
    );
    expect(await failureOf(other)).toMatchObject({ code: "ERR_HAWSER_UPGRADE_FAILED" });
    const wrong = await malicious((socket) => socket.write(accepting("AAAA")));
    expect(await failureOf(wrong)).toMatchObject({ code: "ERR_HAWSER_UPGRADE_FAILED" });
  });
});

describe("B46: frames of a server", () => {
  const flood = (count: number, frame: FrameSpec): FrameSpec[] => Array(count).fill(frame);
  const bomb = deflateRawSync(Buffer.alloc(64 * MIB));

  test.each([
    ["CVE-2026-1526: a bomb of 64 MiB", 1009, [binary(bomb, { rsv: 4 })]],
    [
      "CVE-2026-1528: a length of 2^63 - 1",
      1009,
      [binary("x", { declared: 2n ** 63n - 1n, form: 64 })],
    ],
    [
      "CVE-2026-1528: a length of 2^64 - 1",
      1002,
      [binary("x", { declared: 2n ** 64n - 1n, form: 64 })],
    ],
    [
      "CVE-2026-12151: 16,385 fragments of one byte",
      1008,
      [text("x", { fin: false }), ...flood(16_384, continuation("x", { fin: false }))],
    ],
    [
      "CVE-2026-12151: 16,385 fragments without a byte",
      1008,
      [text("", { fin: false }), ...flood(16_384, continuation("", { fin: false }))],
    ],
    ["a flood of pings", 1008, flood(1_001, ping("x"))],
    ["a masked frame", 1002, [text("x", { wrongMask: true })]],
    ["a text that is not UTF-8", 1007, [text(Buffer.from([0xff]))]],
  ] as const)(
    "%s: the client says %i, and keeps nothing",
    async (_, code, frames) => {
      const closes: (number | null)[] = [];
      const port = await malicious((socket, key) => {
        const reader = new FrameReader(true);
        socket.on("data", (bytes) => reader.push(Buffer.from(bytes)));
        socket.on("close", () => {
          let last: number | null = null;
          for (let frame = reader.take(); frame !== null; frame = reader.take()) {
            if (frame.opcode === 8) last = frame.payload.readUInt16BE();
          }
          closes.push(last);
        });
        socket.write(accepting(key, "Sec-WebSocket-Extensions: permessage-deflate"));
        socket.write(serverFrames(...frames));
      });
      const client = await victimClient(port);
      const before = (await client.mark())["bytes"] as number;
      expect(await client.connect()).toMatchObject({ error: null });
      await vi.waitFor(() => expect(closes).toEqual([code]), { timeout: 10_000 * slowness });
      const report = await client.report();
      expect(report.told).toEqual({ ERR_HAWSER_WEBSOCKET_FAILED: 1 });
      expect(report.bytes - before).toBeLessThan(6 * MIB);
      expect(report.peak - before).toBeLessThan(100 * MIB);
    },
    timeLimitMs,
  );
});
