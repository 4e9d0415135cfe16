// UDP by hawser. Argument: receive, gro (receive with UDP_GRO), send (one peer, UDP_SEGMENT) or
// echo (through flows).
import process from "node:process";
import { announceClient, makePayloads } from "./client.mjs";
import { listenerPort, loadHawser } from "./hawser.mjs";
import { announce, unavailable } from "./subject.mjs";

const ADDRESS = "127.0.0.1";
const RECEIVE_BUFFER = 8 << 20;
/** Of one sendMany: runs, and the datagrams in each. */
const MESSAGES = 60;
const SEGMENTS = 64;

async function receive(gro) {
  const hawser = await loadHawser(["DatagramSocket"]);
  if (hawser === null) return;
  let datagrams = 0;
  let sum = 0;
  let socket = null;
  const port = await listenerPort(async () => {
    // What the C program has the kernel tell of each datagram is told here too.
    socket = new hawser.DatagramSocket({
      family: "IPv4",
      packetInfo: true,
      ecn: true,
      timestamps: true,
      gro,
      receiveBufferSize: RECEIVE_BUFFER,
      batch(_, batch) {
        const { bytes, length } = batch;
        for (let index = 0; index < length; index++) sum += bytes[batch.offset(index)];
        datagrams += length;
      },
    });
    socket.bind({ address: ADDRESS, port: 0 });
    return { port: socket.localAddress.port };
  });
  if (port === null) return;
  const count = () => ({ datagrams, sum });
  announce(port, { count }, { receiveBuffer: socket.receiveBufferSize });
}

async function echo() {
  const hawser = await loadHawser(["listen"]);
  if (hawser === null) return;
  const port = await listenerPort(() =>
    hawser.listen(`udp://${ADDRESS}:0`, {
      lend: true,
      data(flow, bytes) {
        flow.write(bytes);
      },
    }),
  );
  if (port !== null) announce(port);
}

async function send() {
  const hawser = await loadHawser(["DatagramSocket"]);
  if (hawser === null) return;
  if (typeof hawser.DatagramSocket.prototype.sendMany !== "function") {
    unavailable("hawser's DatagramSocket has no sendMany yet");
    return;
  }
  announceClient(({ port, size }, done, failed) => {
    const [payload] = makePayloads(size);
    // A run of datagrams for the kernel to cut, as the C program's.
    const run = Buffer.alloc(SEGMENTS * size);
    for (let at = 0; at < run.length; at += size) run.set(payload, at);
    const batch = new Array(MESSAGES).fill({ data: run, segmentSize: size });
    const count = MESSAGES * SEGMENTS;
    let running = true;
    async function send() {
      const socket = new hawser.DatagramSocket({ family: "IPv4" });
      socket.connect({ address: ADDRESS, port });
      while (running) {
        await socket.sendMany(batch);
        for (let index = 0; index < count; index++) done();
      }
      await socket.close();
    }
    send().catch(failed);
    return () => {
      running = false;
    };
  });
}

const modes = { receive: () => receive(false), gro: () => receive(true), send, echo };
await modes[process.argv[2]]();
