// Broadcast by the `ws` package or hawser's drop-in, as its documentation shows it. Argument: ws or
// hawser.
import process from "node:process";
import { announce, unavailable } from "./subject.mjs";

const load = {
  ws: () => import(`${process.env.BENCH_PEER}/node_modules/ws/wrapper.mjs`),
  hawser: () => import("hawser/ws"),
};

let exports;
try {
  exports = await load[process.argv[2]]();
} catch (error) {
  unavailable(`hawser/ws does not load: ${String(error?.message ?? error).split("\n")[0]}`);
}
if (exports !== undefined) {
  const { WebSocket, WebSocketServer } = exports;
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
  server.on("connection", (socket) => {
    socket.on("error", () => {});
    socket.on("message", (data, binary) => {
      for (const client of server.clients) {
        if (client.readyState === WebSocket.OPEN) client.send(data, { binary });
      }
    });
  });
  server.on("listening", () => announce(server.address().port));
}
