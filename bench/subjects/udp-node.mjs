// UDP by node:dgram. Argument: receive, send or echo.
import { createSocket } from "node:dgram";
import process from "node:process";
import { announceClient, makePayloads } from "./client.mjs";
import { announce } from "./subject.mjs";

const RECEIVE_BUFFER = 8 << 20;
/**
 * Datagrams sent before the loop gets its turn: sends whose callbacks send again keep node:dgram
 * from ever returning to timers.
 */
const BATCH = 64;

function bind(socket) {
  return new Promise((resolve) => socket.bind(0, "127.0.0.1", resolve));
}

async function receive() {
  let datagrams = 0;
  let sum = 0;
  const socket = createSocket({ type: "udp4", recvBufferSize: RECEIVE_BUFFER });
  socket.on("message", (message) => {
    datagrams++;
    sum += message[0];
  });
  await bind(socket);
  const count = () => ({ datagrams, sum });
  announce(socket.address().port, { count }, { receiveBuffer: socket.getRecvBufferSize() });
}

async function echo() {
  const socket = createSocket({ type: "udp4", recvBufferSize: RECEIVE_BUFFER });
  socket.on("message", (message, { port, address }) => socket.send(message, port, address));
  await bind(socket);
  announce(socket.address().port);
}

function send() {
  announceClient(({ port, size }, done, failed) => {
    const [payload] = makePayloads(size);
    const socket = createSocket("udp4");
    let running = true;
    let outstanding = 0;
    function sendBatch() {
      if (!running) return socket.close();
      outstanding = BATCH;
      for (let index = 0; index < BATCH; index++) socket.send(payload, sent);
    }
    function sent(error) {
      if (error) failed(error);
      else done();
      if (--outstanding === 0) setImmediate(sendBatch);
    }
    socket.connect(port, "127.0.0.1", sendBatch);
    return () => {
      running = false;
    };
  });
}

await { receive, echo, send }[process.argv[2]]();
