// TCP echo by Bun.listen: handlers shared by all sockets; what was not taken is kept until drain.
import { announce } from "./subject.mjs";

const server = Bun.listen({
  hostname: "127.0.0.1",
  port: 0,
  socket: {
    open(socket) {
      socket.data = null;
      socket.setNoDelay?.(true);
    },
    data(socket, bytes) {
      if (socket.data !== null) {
        socket.data = Buffer.concat([socket.data, bytes]);
        return;
      }
      const taken = socket.write(bytes);
      if (taken < bytes.length) socket.data = Buffer.from(bytes.subarray(Math.max(taken, 0)));
    },
    drain(socket) {
      if (socket.data === null) return;
      const taken = socket.write(socket.data);
      socket.data = taken < socket.data.length ? socket.data.subarray(Math.max(taken, 0)) : null;
    },
    error() {},
  },
});
announce(server.port);
