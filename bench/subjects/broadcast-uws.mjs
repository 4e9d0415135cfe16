// Broadcast by a uWebSockets.js package that the reader has named.
import { createRequire } from "node:module";
import process from "node:process";
import { announce } from "./subject.mjs";

const TOPIC = "all";
const uWS = createRequire(import.meta.url)(process.env.BENCH_PEER);
const app = uWS.App();
app
  .ws("/*", {
    idleTimeout: 0,
    compression: uWS.DISABLED,
    open: (socket) => socket.subscribe(TOPIC),
    message: (_, message, binary) => app.publish(TOPIC, message, binary),
  })
  .listen("127.0.0.1", 0, (listener) => announce(uWS.us_socket_local_port(listener)));
