// WebSocket echo by a uWebSockets.js package that the reader has named.
import { createRequire } from "node:module";
import process from "node:process";
import { announce } from "./subject.mjs";

const uWS = createRequire(import.meta.url)(process.env.BENCH_PEER);
uWS
  .App()
  .ws("/*", {
    maxPayloadLength: 64 << 20,
    maxBackpressure: 64 << 20,
    idleTimeout: 0,
    compression: uWS.DISABLED,
    // Text arrives as bytes; who wants a string makes one, as the others do.
    message: (socket, message, binary) =>
      socket.send(binary ? message : Buffer.from(message).toString(), binary),
  })
  .listen("127.0.0.1", 0, (listener) => announce(uWS.us_socket_local_port(listener)));
