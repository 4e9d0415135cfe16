import { ListenSocket, listen } from "hawser";

// systemd-socket-activate -l 7070 node passed-socket.ts
const [passed] = ListenSocket.inherited();
const listener = await listen(passed ? { fd: passed.fd } : "tcp://127.0.0.1:0", {
  data: (connection, bytes) => connection.write(bytes),
});
console.log(`echo on ${listener.port}`);
process.once("SIGTERM", async () => {
  await listener.close({ drain: true });
  console.log("whoever was there has been served");
});
