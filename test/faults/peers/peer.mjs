// A TCP peer over Node's net, under control of a scenario: commands come as lines of JSON, each is
// answered with one. It echoes or is silent as it is told, and never speaks first.
import { connect, createServer } from "node:net";
import process from "node:process";
import { createInterface } from "node:readline";

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
let peer;
let bytesRead = 0;

function take(socket, { echo = false, keepAlive } = {}) {
  peer = socket;
  if (keepAlive) socket.setKeepAlive(true, keepAlive);
  socket.on("data", (bytes) => {
    bytesRead += bytes.length;
    if (echo) socket.write(bytes);
  });
  socket.on("error", (error) => say({ event: "error", code: error.code }));
  socket.on("close", () => say({ event: "closed" }));
}

const operations = {
  listen: ({ port, ...options }) =>
    new Promise((resolve) => {
      const server = createServer({ allowHalfOpen: options.allowHalfOpen ?? false }, (socket) => {
        take(socket, options);
        say({ event: "accepted" });
      });
      server.listen(port, "0.0.0.0", () => resolve({}));
    }),
  connect: ({ address, port, ...options }) =>
    new Promise((resolve, reject) => {
      const socket = connect(port, address, () => {
        take(socket, options);
        resolve({});
      });
      socket.once("error", reject);
    }),
  send: ({ bytes }) => {
    peer.write(Buffer.alloc(bytes, 120));
    return {};
  },
  end: () => {
    peer.end();
    return {};
  },
  reset: () => {
    peer.resetAndDestroy();
    return {};
  },
  count: () => ({ bytesRead }),
};

const commands = createInterface({ input: process.stdin });
// Whoever has started this is gone.
commands.on("close", () => process.exit());
commands.on("line", async (text) => {
  const command = JSON.parse(text);
  try {
    say({ id: command.id, ...(await operations[command.op](command)) });
  } catch (error) {
    say({ id: command.id, error: String(error) });
  }
});
say({ event: "started" });
