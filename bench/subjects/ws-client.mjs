// WebSocket clients in a closed loop against an echo server. Argument: ws, hawser-ws, undici,
// global (the runtime's own), or hawser.
import process from "node:process";
import { announceClient, makePayloads, verify } from "./client.mjs";
import { loadHawser } from "./hawser.mjs";
import { unavailable } from "./subject.mjs";

const peer = `${process.env.BENCH_PEER}/node_modules`;

/** Each opens one socket and hands over whole messages; gives its sender and its end. */
function overEvents(WebSocket) {
  return (url, opened, message, failed) => {
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => opened((payload) => socket.send(payload));
    socket.onmessage = ({ data }) => message(Buffer.from(data));
    socket.onerror = (event) => failed(new Error(event.message ?? "the client failed"));
    return () => {
      socket.onerror = () => {};
      socket.close();
    };
  };
}

function overEmitter({ WebSocket }) {
  return (url, opened, message, failed) => {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    socket.on("open", () => opened((payload) => socket.send(payload)));
    socket.on("message", message);
    socket.on("error", failed);
    return () => socket.terminate();
  };
}

/** Port 1 refuses; anything but that says that this protocol or its options are not there. */
async function probe(connect) {
  try {
    const socket = await connect("ws://127.0.0.1:1", { message() {} });
    await socket.close();
  } catch (error) {
    if (error.code !== "ECONNREFUSED") throw error;
  }
}

function overHawser({ connect }) {
  return (url, opened, message, failed) => {
    let ended = false;
    const connecting = connect(url, {
      message: (_, received) => message(received),
      close: (_, __, ___, error) => {
        if (error !== null && !ended) failed(error);
      },
    });
    connecting.then((socket) => opened((payload) => socket.write(payload)), failed);
    return () => {
      ended = true;
      connecting.then(
        (socket) => socket.close(),
        () => {},
      );
    };
  };
}

const clients = {
  ws: async () => overEmitter(await import(`${peer}/ws/wrapper.mjs`)),
  "hawser-ws": async () => overEmitter(await import("hawser/ws")),
  undici: async () => overEvents((await import(`${peer}/undici/index.js`)).default.WebSocket),
  global: async () => {
    if (globalThis.WebSocket === undefined) throw new Error("it has no global WebSocket");
    return overEvents(globalThis.WebSocket);
  },
  hawser: async () => {
    const exports = await loadHawser(["connect"]);
    if (exports === null) return null;
    await probe(exports.connect);
    return overHawser(exports);
  },
};

function work(open, { port, connections, depth, size }, done, failed) {
  const payloads = makePayloads(size);
  const stops = [];
  for (let index = 0; index < connections; index++) {
    let sent = index;
    let received = index;
    let send = null;
    stops.push(
      open(
        `ws://127.0.0.1:${port}/`,
        (sender) => {
          send = sender;
          for (let flight = 0; flight < depth; flight++) {
            send(payloads[sent++ % payloads.length]);
          }
        },
        (message) => {
          try {
            verify(message, payloads[received++ % payloads.length]);
          } catch (error) {
            failed(error);
            return;
          }
          done();
          send(payloads[sent++ % payloads.length]);
        },
        failed,
      ),
    );
  }
  return () => {
    for (const stop of stops) stop();
  };
}

let open = null;
try {
  open = await clients[process.argv[2]]();
} catch (error) {
  unavailable(`${process.argv[2]}: ${String(error?.message ?? error).split("\n")[0]}`);
}
if (open !== null) announceClient((order, done, failed) => work(open, order, done, failed));
