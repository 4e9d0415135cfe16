// Attacks on the opening handshake, over real sockets: heads that are too large, too slow or
// malformed, and connections that never ask for anything. docs/security.md names each of them.

import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import net, { type AddressInfo } from "node:net";
import { describe, expect, test, vi } from "vitest";
import { attach, connect, listen } from "../../../lib/index.ts";
import { WebSocketServer } from "../../../lib/ws.ts";
import { afterTest, HANDSHAKE, Raw, request } from "../support.ts";
import { MIB, slowness, statusOf, timeLimitMs, upgraded, Victim } from "./support.ts";

const START = "GET / HTTP/1.1\r\nHost: example.com\r\n";

/** The status that a request is answered with, and the rest of the answer. */
async function answerTo(port: number, bytes: string): Promise<{ status: number; text: string }> {
  const raw = new Raw(port);
  raw.write(bytes);
  const text = await raw.all();
  return { status: statusOf(text), text };
}

describe("B46: heads without measure", () => {
  test(
    "16 KiB of head are 431, whether in one field, in many or in the first line",
    async () => {
      const victim = await Victim.serve();
      const heads = [
        `${START}X: ${"a".repeat(16_384)}\r\n\r\n`,
        `${START}${`X: ${"a".repeat(200)}\r\n`.repeat(100)}\r\n`,
        `GET /${"a".repeat(20_000)} HTTP/1.1\r\n\r\n`,
        `${START}X: ${"a".repeat(1_000_000)}`,
      ];
      const all = Array.from({ length: 50 }, () => heads).flat();
      const statuses = await Promise.all(
        all.map(async (head) => (await answerTo(victim.port, head)).status),
      );
      expect(new Set(statuses)).toEqual(new Set([431]));
      const { told } = await victim.isUnharmed({ bytes: 4 * MIB });
      expect(told).toEqual({ ERR_HAWSER_UPGRADE_FAILED: all.length });
    },
    timeLimitMs,
  );

  test(
    "CVE-2024-37890: 129 fields are 431, 2,000 as well, and 128 are none too many",
    async () => {
      const victim = await Victim.serve();
      const fields = (count: number) =>
        request(...Array.from({ length: count - HANDSHAKE.length + 1 }, (_, n) => `X${n}: x`));
      expect((await answerTo(victim.port, fields(129))).status).toBe(431);
      expect((await answerTo(victim.port, fields(2_000))).status).toBe(431);
      const raw = new Raw(victim.port);
      raw.write(fields(128));
      expect(statusOf(await raw.head())).toBe(101);
      await victim.isUnharmed({ bytes: 4 * MIB });
    },
    timeLimitMs,
  );
});

// Node's parser keeps 2,000 fields and drops the rest, those of the handshake among them.
describe("CVE-2024-37890: a head of more fields than Node keeps", () => {
  const names = Array.from({ length: 2_000 }, (_, n) => n.toString(36));
  const head = [HANDSHAKE[0], ...names.map((name) => `${name}:x`), ...HANDSHAKE.slice(1), "", ""];

  test.each([
    ["attach", (server: Server) => attach(server, { message() {} })],
    ["hawser/ws", (server: Server) => new WebSocketServer({ server })],
  ])("beside an HTTP server, by %s: refused, and others are served", async (_, begin) => {
    const server = createServer();
    begin(server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    afterTest(() => server.close());
    const { port } = server.address() as AddressInfo;
    const raw = new Raw(port);
    raw.write(head.join("\r\n"));
    expect([400, 426, 431]).toContain(statusOf(await raw.head()));
    raw.socket.destroy();
    (await upgraded(port)).socket.destroy();
  });
});

describe("B46: heads without end", () => {
  const handshakeTimeout = 600 * slowness;

  test(
    "a head that drips in is 408 after handshakeTimeout, not later for every octet",
    async () => {
      const victim = await Victim.serve({ handshakeTimeout });
      const drips = Array.from({ length: 50 }, async () => {
        const raw = new Raw(victim.port);
        await once(raw.socket, "connect");
        const began = performance.now();
        raw.write(START);
        const timer = setInterval(() => raw.write("X"), 20);
        const status = statusOf(await raw.all());
        clearInterval(timer);
        return { status, ms: performance.now() - began };
      });
      for (const { status, ms } of await Promise.all(drips)) {
        expect(status).toBe(408);
        expect(ms).toBeLessThan(handshakeTimeout + 2_000 * slowness);
      }
      await victim.isUnharmed({ bytes: 4 * MIB });
    },
    timeLimitMs,
  );

  test(
    "a request that goes on behind its head is not read without bound before it is accepted",
    async () => {
      const listener = await listen("ws://127.0.0.1:0", {
        handshakeTimeout,
        upgrade: () => new Promise<undefined>(() => {}),
      });
      afterTest(() => listener.close({ timeout: 0 }));
      const raw = new Raw(listener.port as number);
      raw.write(request());
      const block = Buffer.alloc(65_536);
      let sent = 0;
      while (raw.socket.writableLength < 8 * block.length && sent < 1_000) {
        raw.write(block);
        sent++;
        await new Promise(setImmediate);
      }
      // The window closed: what the kernel took is the sockets' buffers and one read.
      expect(sent).toBeLessThan(1_000);
      expect(statusOf(await raw.all())).toBe(503);
    },
    timeLimitMs,
  );
});

const HALF_OPEN = 10_000;
const descriptors = Number(execFileSync("/bin/sh", ["-c", "ulimit -n"], { encoding: "utf8" }));
const isTooFew = descriptors < HALF_OPEN + 500;

test.skipIf(isTooFew)(
  `B46: 10,000 half-open handshakes cost little, and end after handshakeTimeout${
    isTooFew ? ` (skipped: only ${descriptors} descriptors)` : ""
  }`,
  async () => {
    const handshakeTimeout = 10_000 * slowness;
    const victim = await Victim.serve({ handshakeTimeout, backlog: 4_096 });
    const sockets: net.Socket[] = [];
    let ended = 0;
    afterTest(() => sockets.forEach((socket) => void socket.destroy()));
    for (let batch = 0; batch < HALF_OPEN; batch += 250) {
      const opened = Array.from({ length: 250 }, (_, index) => {
        const socket = net.connect({ port: victim.port, host: "127.0.0.1" });
        socket.on("error", () => {});
        socket.on("close", () => ended++);
        socket.resume();
        sockets.push(socket);
        return once(socket, "connect").then(() => {
          // Half of them have begun, half are silent.
          if (index % 2 === 0) socket.write(START);
        });
      });
      await Promise.all(opened);
    }
    await vi.waitFor(async () => expect((await victim.report()).accepted).toBe(HALF_OPEN + 1), {
      timeout: 20_000 * slowness,
    });
    // All of them at once: 4 KiB each; garbage and the addon's own memory make it no more than 12.
    await victim.isUnharmed({ bytes: HALF_OPEN * 4_096, resident: HALF_OPEN * 12_288 });
    await vi.waitFor(() => expect(ended).toBe(HALF_OPEN), {
      timeout: handshakeTimeout + 20_000 * slowness,
      interval: 100,
    });
    const { open } = await victim.isUnharmed({ bytes: 8 * MIB });
    expect(open).toBe(1);
  },
  2 * timeLimitMs,
);

describe("fields made to be slow, or to be taken for something else", () => {
  test.each([
    ["CVE-2021-32640: spaces", "Sec-WebSocket-Protocol", `b${" ".repeat(15_000)}x`],
    ["commas", "Sec-WebSocket-Protocol", ",".repeat(15_000)],
    ["CVE-2020-7662: an open string", "Sec-WebSocket-Extensions", `a; b="${"\\c".repeat(7_000)}`],
    ["spaces", "Sec-WebSocket-Extensions", `a${" ".repeat(15_000)}b`],
    ["offers without end", "Sec-WebSocket-Extensions", "a,".repeat(7_000)],
    ["parameters without end", "Sec-WebSocket-Extensions", `a${";b".repeat(7_000)}`],
  ])(
    "%s in %s are 400 at once",
    async (_, name, value) => {
      const victim = await Victim.serve();
      const answers = await Promise.all(
        Array.from({ length: 50 }, () => answerTo(victim.port, request(`${name}: ${value}`))),
      );
      for (const { status } of answers) expect(status).toBe(400);
      const { heldMs } = await victim.isUnharmed({ bytes: 4 * MIB });
      expect(heldMs).toBeLessThan(500 * slowness);
    },
    timeLimitMs,
  );

  test(
    "names of Object.prototype as extensions, parameters and fields are names like others",
    async () => {
      const victim = await Victim.serve({ perMessageDeflate: true });
      const values = [
        "constructor",
        "__proto__",
        "permessage-deflate; constructor",
        "permessage-deflate; __proto__; hasOwnProperty=8",
      ];
      for (const value of values) {
        const raw = await upgraded(
          victim.port,
          `Sec-WebSocket-Extensions: ${value}`,
          "__proto__: x",
          "constructor: y",
        );
        raw.socket.destroy();
      }
      await victim.isUnharmed({ bytes: 4 * MIB });
    },
    timeLimitMs,
  );

  test(
    "CVE-2026-54466: the drafts before RFC 6455 are not spoken, so their lengths are never read",
    async () => {
      const victim = await Victim.serve();
      const draft75 = `${START}Upgrade: WebSocket\r\nConnection: Upgrade\r\n\r\n`;
      const draft76 = draft75.replace(
        "\r\n\r\n",
        "\r\nSec-WebSocket-Key1: 3e6b263  4 17 80\r\nSec-WebSocket-Key2: 17  9 G`ZD9\r\n\r\n12345678",
      );
      for (const head of [draft75, draft76]) {
        const { status, text } = await answerTo(victim.port, head + "\x80".repeat(100));
        expect(status).toBe(426);
        expect(text).toMatch(/Sec-WebSocket-Version: 13/);
      }
      await victim.isUnharmed({ bytes: 4 * MIB });
    },
    timeLimitMs,
  );

  test.each([
    ["a body", "Content-Length: 5"],
    ["a chunked body", "Transfer-Encoding: chunked"],
    ["a second Host", "Host: other.example"],
    ["a second key", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="],
    ["a line that goes on", "X: a\r\n b"],
    ["a space before the colon", "X : a"],
    ["a zero octet", "X: a\0b"],
    ["a bare line feed", "X: a\nY: b"],
  ])("requests that servers read differently are 400: %s", async (_, line) => {
    const listener = await listen("ws://127.0.0.1:0", { message() {} });
    afterTest(() => listener.close({ timeout: 0 }));
    expect((await answerTo(listener.port as number, request(line))).status).toBe(400);
  });

  test("CVE-2026-1527: nothing with a line break goes into a head, neither asked nor answered", async () => {
    const broken = "x\r\nInjected: yes";
    const listener = await listen("ws://127.0.0.1:0", {
      message() {},
      upgrade: () => ({ headers: { "X-Name": broken } }),
    });
    afterTest(() => listener.close({ timeout: 0 }));
    const url = `ws://127.0.0.1:${listener.port}` as const;
    await expect(connect(url, { headers: { "X-Name": broken } })).rejects.toThrow(TypeError);
    await expect(connect(url, { headers: { [broken]: "x" } })).rejects.toThrow(TypeError);
    await expect(connect(url, { protocols: broken })).rejects.toThrow(TypeError);
    const listeners = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    const caught = once(process, "uncaughtException");
    const { status, text } = await answerTo(listener.port as number, request());
    expect(status).toBe(500);
    expect(text).not.toContain("Injected");
    expect((await caught)[0]).toBeInstanceOf(TypeError);
    for (const one of listeners) process.on("uncaughtException", one);
  });
});
