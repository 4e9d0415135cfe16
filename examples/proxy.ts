import { type Connection, connect, listen } from "hawser";

async function copy(from: Connection, to: Connection) {
  for await (const chunk of from) await to.send(chunk);
  await to.shutdown();
}

const listener = await listen("tcp://127.0.0.1:0", { allowHalfOpen: true }, async (near) => {
  await using far = await connect(`tcp://127.0.0.1:${process.env.PORT}`, { allowHalfOpen: true });
  await Promise.all([copy(near, far), copy(far, near)]);
});
console.log(`echo on ${listener.port}`);
