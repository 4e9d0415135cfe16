// A client over Node's net or the package ws, with what their users do against dead peers, under
// control as the other peers: it connects, writes, and tells when and how it learned of the end.
import net from "node:net";
import process from "node:process";
import { createInterface } from "node:readline";
import WebSocket from "ws";

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const sharedNow = () => Number(process.hrtime.bigint() / 1_000n) / 1_000;
let error = null;
const ended = () => say({ event: "ended", at: sharedNow(), code: error?.code ?? null });

let write;
let descriptor;

function watch(emitter) {
  emitter.on("error", (told) => {
    error ??= told;
  });
  emitter.on("close", ended);
}

const operations = {
  net: ({ address, port, keepAliveMs, allowHalfOpen = false }) =>
    new Promise((resolve) => {
      const socket = net.connect({ host: address, port, allowHalfOpen });
      watch(socket);
      socket.on("connect", () => {
        if (keepAliveMs !== undefined) socket.setKeepAlive(true, keepAliveMs);
        socket.resume();
        write = (bytes) => socket.write(bytes);
        descriptor = socket;
        resolve({});
      });
    }),

  /** With the way of ws's own documentation to find broken connections, where `pingMs` is given. */
  ws: ({ address, port, pingMs }) =>
    new Promise((resolve) => {
      const socket = new WebSocket(`ws://${address}:${port}`, { perMessageDeflate: false });
      watch(socket);
      socket.on("open", () => {
        write = (bytes) => socket.send(bytes);
        resolve({});
      });
      if (pingMs === undefined) return;
      let isAlive = true;
      socket.on("pong", () => {
        isAlive = true;
      });
      const timer = setInterval(() => {
        if (!isAlive) socket.terminate();
        isAlive = false;
        socket.ping();
      }, pingMs);
      socket.on("close", () => clearInterval(timer));
    }),

  /** A bare option, as by setsockopt(2). */
  async option({ name, value }) {
    const { setOption } = await import("../../../lib/index.ts");
    setOption(descriptor, name, value);
    return {};
  },

  write({ bytes, times = 1 }) {
    for (let count = 0; count < times; count++) write(Buffer.alloc(bytes));
    return {};
  },
};

const commands = createInterface({ input: process.stdin });
// Whoever has started this is gone.
commands.on("close", () => process.exit());
commands.on("line", async (text) => {
  const command = JSON.parse(text);
  try {
    say({ id: command.id, ...(await operations[command.op](command)) });
  } catch (thrown) {
    say({ id: command.id, error: String(thrown) });
  }
});
say({ event: "started" });
