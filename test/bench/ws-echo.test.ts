// The C WebSocket reference: an honest limit must keep the protocol, shown with the `ws` client.
import { connect } from "node:net";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { compile } from "../../bench/harness/compile.ts";
import { runLoad } from "../../bench/harness/load.ts";
import { type RunningSubject, startSubject } from "../../bench/harness/processes.ts";

let program = "";
const opened: RunningSubject[] = [];

beforeAll(async () => {
  program = await compile("ws_echo_epoll");
}, 120_000);

afterEach(async () => {
  for (const subject of opened.splice(0)) await subject.process.stop();
});

async function start(...args: string[]): Promise<RunningSubject> {
  const subject = await startSubject({ file: program, args }, null);
  opened.push(subject);
  return subject;
}

async function open(port: number): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  return socket;
}

function nextMessage(socket: WebSocket): Promise<{ data: Buffer; binary: boolean }> {
  return new Promise((resolve) =>
    socket.once("message", (data, binary) => resolve({ data: data as Buffer, binary })),
  );
}

function closed(socket: WebSocket): Promise<number> {
  return new Promise((resolve) => {
    socket.once("close", resolve);
    socket.once("error", () => {});
  });
}

/** The raw bytes that come back for raw bytes sent after an opening handshake. */
async function raw(port: number, frame: Buffer): Promise<{ answer: Buffer; ended: boolean }> {
  const socket = connect(port, "127.0.0.1");
  socket.write(
    "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
  await new Promise((resolve) => socket.once("data", resolve));
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  const ended = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.on("error", () => {});
  socket.write(frame);
  await ended;
  return { answer: Buffer.concat(chunks), ended: true };
}

describe("the C WebSocket echo server", () => {
  test.each([0, 1, 125, 126, 65_535, 65_536, 3_000_001])("echoes %d bytes", async (size) => {
    const socket = await open((await start()).port);
    const payload = Buffer.alloc(size, "hawser 0123456789");
    const message = nextMessage(socket);
    socket.send(payload);
    const { data, binary } = await message;
    expect(binary).toBe(true);
    expect(data.equals(payload)).toBe(true);
    socket.terminate();
  });

  test("echoes text as text, cut anywhere into fragments", async () => {
    const socket = await open((await start()).port);
    const message = nextMessage(socket);
    const bytes = Buffer.from("grüße, 世界, 🛟");
    for (let index = 0; index < bytes.length; index++) {
      socket.send(bytes.subarray(index, index + 1), {
        binary: false,
        fin: index === bytes.length - 1,
      });
    }
    const { data, binary } = await message;
    expect(binary).toBe(false);
    expect(data.toString()).toBe("grüße, 世界, 🛟");
    socket.terminate();
  });

  test("answers a ping with its payload, and a Close with the same code", async () => {
    const socket = await open((await start()).port);
    const pong = new Promise<Buffer>((resolve) => socket.once("pong", resolve));
    socket.ping("x");
    expect((await pong).toString()).toBe("x");
    const code = closed(socket);
    socket.close(4_001, "done");
    expect(await code).toBe(4_001);
  });

  test.each([
    ["an unmasked frame", [0x82, 0x01, 0x00]],
    ["a reserved bit", [0xc2, 0x80, 0, 0, 0, 0]],
    ["a reserved opcode", [0x83, 0x80, 0, 0, 0, 0]],
    ["a fragmented ping", [0x09, 0x80, 0, 0, 0, 0]],
    ["a length that is not the shortest", [0x82, 0xfe, 0, 1, 0, 0, 0, 0, 0]],
    ["a continuation of nothing", [0x80, 0x80, 0, 0, 0, 0]],
    ["text that is not UTF-8", [0x81, 0x81, 0, 0, 0, 0, 0xff]],
    ["a surrogate in UTF-8", [0x81, 0x83, 0, 0, 0, 0, 0xed, 0xa0, 0x80]],
    ["text that ends inside a character", [0x81, 0x81, 0, 0, 0, 0, 0xc3]],
  ])("ends the connection for %s", async (_, bytes) => {
    const { answer } = await raw((await start()).port, Buffer.from(bytes));
    expect(answer).toHaveLength(0);
  });

  test("sends each message to all with --broadcast", async () => {
    const { port } = await start("--broadcast");
    const sockets = await Promise.all([open(port), open(port), open(port)]);
    const messages = sockets.map(nextMessage);
    sockets[1]?.send("all");
    for (const message of messages) expect((await message).data.toString()).toBe("all");
    for (const socket of sockets) socket.terminate();
  });
});

describe("the generator over WebSocket", () => {
  test.each([
    { protocol: "ws", size: 20, depth: 16 },
    { protocol: "ws-text", size: 1_000, depth: 1 },
    { protocol: "ws", size: 100_000, depth: 2 },
  ])("drives it: $protocol $size bytes, depth $depth", async (parameters) => {
    const load = await compile("load");
    const result = await runLoad(
      load,
      { ...parameters, connections: 4, duration: 100, warmup: 20 },
      await start(),
      null,
    );
    expect(result.messages).toBeGreaterThan(0);
  });
});
