import { connect, listen } from "hawser";

// What comes while it is paused waits in the kernel, until the peer's window is closed.
const listener = await listen("tcp://127.0.0.1:0", {
  open(connection) {
    connection.pause();
    setTimeout(() => connection.resume(), 100);
  },
  data: (_connection, bytes) => console.log(`${bytes}`),
});
const connection = await connect(`tcp://127.0.0.1:${listener.port}`);
await connection.send("after a while");
console.log("sent");
await connection.close();
await listener.close();
