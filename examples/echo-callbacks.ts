import { listen } from "hawser";

const listener = await listen("tcp://127.0.0.1:0", {
  lend: true,
  data: (connection, bytes) => connection.write(bytes),
});
console.log(`echo on ${listener.port}`);
