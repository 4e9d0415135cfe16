import { listen } from "hawser";

const listener = await listen("ws://127.0.0.1:0", {
  message(socket, message) {
    socket.write(message);
  },
});
console.log(`echo on ${listener.port}`);
