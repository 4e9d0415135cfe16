import { connect, listen } from "hawser";

const listener = await listen("tcp://127.0.0.1:0", { idleTimeout: 100, open() {} });
const connection = await connect(`tcp://127.0.0.1:${listener.port}`);
for (const served of listener.connections) {
  const { error } = await served.closed;
  console.log(error?.code, error?.reason);
}
connection.abort();
await listener.close();
