// WebSocket echo by Bun.serve. Argument: optionally deflate.
import process from "node:process";
import { announce } from "./subject.mjs";

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch(request, self) {
    return self.upgrade(request) ? undefined : new Response(null, { status: 426 });
  },
  websocket: {
    perMessageDeflate: process.argv[2] !== undefined,
    maxPayloadLength: 64 << 20,
    message(socket, received) {
      socket.send(received, process.argv[2] !== undefined);
    },
  },
});
announce(server.port);
