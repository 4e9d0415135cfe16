// Bulk transfer by Bun.listen.
import { encodeCount, makePattern, PATTERN_BYTES, RECEIVE } from "./bulk.mjs";
import { announce } from "./subject.mjs";

const pattern = makePattern();

function fill(socket) {
  const state = socket.data;
  for (;;) {
    const taken = socket.write(state.offset === 0 ? pattern : pattern.subarray(state.offset));
    if (taken <= 0) return;
    state.offset = (state.offset + taken) % PATTERN_BYTES;
  }
}

const server = Bun.listen({
  hostname: "127.0.0.1",
  port: 0,
  allowHalfOpen: true,
  socket: {
    open(socket) {
      socket.data = { mode: 0, count: 0, offset: 0 };
    },
    data(socket, bytes) {
      const state = socket.data;
      state.count += bytes.length;
      if (state.mode !== 0) return;
      state.mode = bytes[0];
      state.count -= 1;
      if (state.mode !== RECEIVE) fill(socket);
    },
    drain(socket) {
      if (socket.data.mode !== 0 && socket.data.mode !== RECEIVE) fill(socket);
    },
    end(socket) {
      if (socket.data.mode === RECEIVE) socket.write(encodeCount(socket.data.count));
      socket.end();
    },
    error() {},
  },
});
announce(server.port);
