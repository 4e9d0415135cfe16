// WebSocket echo by the `ws` package (with bufferutil beside it), or by hawser's drop-in for it.
// Arguments: ws or hawser, then optionally deflate or takeover.
import process from "node:process";
import { announce, unavailable } from "./subject.mjs";

const [implementation, compression] = process.argv.slice(2);
// Context takeover is what `ws` does by default.
const perMessageDeflate = compression !== undefined;

const load = {
  ws: () => import(`${process.env.BENCH_PEER}/node_modules/ws/wrapper.mjs`),
  hawser: () => import("hawser/ws"),
};

let exports;
try {
  exports = await load[implementation]();
} catch (error) {
  unavailable(`hawser/ws does not load: ${String(error?.message ?? error).split("\n")[0]}`);
}
if (exports !== undefined) {
  const server = new exports.WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate });
  server.on("connection", (socket) => {
    socket.on("message", (data, binary) => socket.send(binary ? data : data.toString()));
    socket.on("error", () => {});
  });
  server.on("listening", () => announce(server.address().port));
}
