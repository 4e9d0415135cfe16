// UDP by Bun.udpSocket. Argument: receive, send or echo.
import process from "node:process";
import { announceClient, makePayloads } from "./client.mjs";
import { announce } from "./subject.mjs";

/** Datagrams of one sendMany. */
const BATCH = 64;
/** It offers no way to enlarge the receive buffer: Linux's usual default. */
const RECEIVE_BUFFER = 212_992;

async function receive() {
  let datagrams = 0;
  let sum = 0;
  const socket = await Bun.udpSocket({
    hostname: "127.0.0.1",
    socket: {
      data(_, bytes) {
        datagrams++;
        sum += bytes[0];
      },
    },
  });
  announce(socket.port, { count: () => ({ datagrams, sum }) }, { receiveBuffer: RECEIVE_BUFFER });
}

async function echo() {
  const socket = await Bun.udpSocket({
    hostname: "127.0.0.1",
    socket: {
      data: (self, bytes, port, address) => self.send(bytes, port, address),
    },
  });
  announce(socket.port);
}

function send() {
  announceClient(({ port, size }, done, failed) => {
    const [payload] = makePayloads(size);
    const batch = new Array(BATCH).fill(payload);
    let running = true;
    async function run() {
      const socket = await Bun.udpSocket({ connect: { hostname: "127.0.0.1", port } });
      while (running) {
        const sent = socket.sendMany(batch);
        for (let index = 0; index < sent; index++) done();
        await new Promise((resolve) => setImmediate(resolve));
      }
      socket.close();
    }
    run().catch(failed);
    return () => {
      running = false;
    };
  });
}

await { receive, echo, send }[process.argv[2]]();
