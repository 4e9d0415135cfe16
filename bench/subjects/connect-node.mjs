// Connections made by node:net: connect, one message and its echo, both FINs, again.
import { connect } from "node:net";
import { announceClient, makePayloads, verify } from "./client.mjs";

announceClient(({ port, connections, size }, done, failed) => {
  const [payload] = makePayloads(size);
  let running = true;
  function live() {
    if (!running) return;
    let received = Buffer.alloc(0);
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    socket.write(payload);
    socket.on("data", (chunk) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      if (received.length < size) return;
      try {
        verify(received, payload);
      } catch (error) {
        failed(error);
      }
      socket.end();
    });
    socket.on("error", failed);
    socket.on("close", () => {
      done();
      live();
    });
  }
  for (let index = 0; index < connections; index++) live();
  return () => {
    running = false;
  };
});
