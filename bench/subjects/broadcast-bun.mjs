// Broadcast by Bun.serve: a topic that all have subscribed to.
import { announce } from "./subject.mjs";

const TOPIC = "all";

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch(request, self) {
    return self.upgrade(request) ? undefined : new Response(null, { status: 426 });
  },
  websocket: {
    open(socket) {
      socket.subscribe(TOPIC);
    },
    message(_, received) {
      server.publish(TOPIC, received);
    },
  },
});
announce(server.port);
