// Bulk transfer by node:net.
import { createServer } from "node:net";
import { encodeCount, makePattern, RECEIVE } from "./bulk.mjs";
import { announce } from "./subject.mjs";

const pattern = makePattern();

const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
  let mode = 0;
  let count = 0;
  function fill() {
    while (socket.writable && socket.write(pattern));
  }
  socket.on("error", () => socket.destroy());
  socket.on("drain", fill);
  socket.on("data", (chunk) => {
    count += chunk.length;
    if (mode !== 0) return;
    mode = chunk[0];
    count -= 1;
    if (mode !== RECEIVE) fill();
  });
  socket.on("end", () => socket.end(mode === RECEIVE ? encodeCount(count) : undefined));
});
server.listen(0, "127.0.0.1", () => announce(server.address().port));
