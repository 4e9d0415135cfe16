import { listen } from "hawser";

const listener = await listen("tcp://127.0.0.1:0", {
  data: (connection, bytes) => connection.write(bytes),
});
console.log(`echo on ${listener.port}`);
process.once("SIGTERM", async () => {
  const { aborted } = await listener.close({ timeout: 10_000 });
  console.log(`closed, ${aborted} connections had to be aborted`);
});
