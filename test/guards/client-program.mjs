// The peer of what is measured, in a process of its own so that what it allocates is not counted.
// Over node:net. Commands: {open: port, connections, upgrades} with or without the opening
// handshake of a WebSocket, {echo: n} sends n messages of 20 bytes, each connection one at a time,
// and answers when all have come back.

import { once } from "node:events";
import net from "node:net";
import process from "node:process";

const MESSAGE = Buffer.from("twenty bytes of echo");
/** Connections that are being established at a time: within any backlog. */
const OPENING = 100;
const sockets = [];

const UPGRADE = [
  "GET / HTTP/1.1",
  "Host: 127.0.0.1",
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version: 13",
  "\r\n",
].join("\r\n");

async function upgrade(socket) {
  socket.write(UPGRADE);
  const [answer] = await once(socket, "data");
  if (!String(answer).startsWith("HTTP/1.1 101")) throw new Error(String(answer));
}

async function open(port, connections, upgrades) {
  while (sockets.length < connections) {
    const count = Math.min(OPENING, connections - sockets.length);
    const batch = Array.from({ length: count }, () => net.connect(port, "127.0.0.1").setNoDelay());
    await Promise.all(batch.map((socket) => once(socket, "connect")));
    if (upgrades) await Promise.all(batch.map(upgrade));
    sockets.push(...batch);
  }
}

function echo(messages) {
  let toSend = messages;
  let toCome = messages * MESSAGE.length;
  return new Promise((resolve) => {
    for (const socket of sockets) {
      let missing = MESSAGE.length;
      const next = () => {
        if (toSend-- > 0) socket.write(MESSAGE);
      };
      socket.removeAllListeners("data").on("data", (bytes) => {
        toCome -= bytes.length;
        missing -= bytes.length;
        if (missing === 0) {
          missing = MESSAGE.length;
          next();
        }
        if (toCome === 0) resolve();
      });
      next();
    }
  });
}

process.on("message", async (command) => {
  if ("open" in command) await open(command.open, command.connections, command.upgrades);
  else await echo(command.echo);
  process.send({});
});
process.on("disconnect", () => process.exit());
