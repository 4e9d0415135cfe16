// Sends datagrams to a port without end, in runs that the receiver's buffer has room for.

import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { DatagramSocket } from "hawser";

const RUN = 64;

process.on("message", async ([, port]) => {
  const socket = new DatagramSocket({ family: "IPv4" });
  socket.connect({ address: "127.0.0.1", port });
  const payload = Array(RUN).fill(Buffer.alloc(64, "x"));
  process.send({ began: 1 });
  for (;;) {
    for (let burst = 0; burst < 8; burst++) await socket.sendMany(payload);
    await sleep(1);
  }
});
