// UDP by hawser. Argument: receive, gro (receive with UDP_GRO), send (one peer, UDP_SEGMENT) or
// echo (through flows).
import process from "node:process";
import { announceClient, makePayloads } from "./client.mjs";
import { listenerPort, loadHawser } from "./hawser.mjs";
import { announce, unavailable } from "./subject.mjs";

const ADDRESS = "127.0.0.1";
const RECEIVE_BUFFER = 8 << 20;
/** Datagrams of one sendMany. */
const BATCH = 1_024;

async function receive(gro) {
  const hawser = await loadHawser(["DatagramSocket"]);
  if (hawser === null) return;
  let datagrams = 0;
  let sum = 0;
  let socket = null;
  const port = await listenerPort(async () => {
    socket = new hawser.DatagramSocket({
      gro,
      receiveBufferSize: RECEIVE_BUFFER,
      batch(_, batch) {
        for (let index = 0; index < batch.length; index++) {
          sum += batch.bytes[batch.offset(index)];
        }
        datagrams += batch.length;
      },
    });
    await socket.bind({ host: ADDRESS, port: 0 });
    return { port: socket.localPort };
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
    const batch = new Array(BATCH).fill(payload);
    let running = true;
    async function run() {
      const socket = new hawser.DatagramSocket({});
      await socket.connect({ host: ADDRESS, port });
      while (running) {
        await socket.sendMany(batch);
        for (let index = 0; index < BATCH; index++) done();
      }
      await socket.close();
    }
    run().catch(failed);
    return () => {
      running = false;
    };
  });
}

const modes = { receive: () => receive(false), gro: () => receive(true), send, echo };
await modes[process.argv[2]]();
