// TCP echo by node:net, with back-pressure by pipe as its documentation shows it.
import { createServer } from "node:net";
import { announce } from "./subject.mjs";

const server = createServer({ noDelay: true }, (socket) => {
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk) => {
    if (!socket.write(chunk)) {
      socket.pause();
      socket.once("drain", () => socket.resume());
    }
  });
});
server.listen(0, "127.0.0.1", 4096, () => announce(server.address().port));
