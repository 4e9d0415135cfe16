import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { connect, listen } from "hawser";
import { toDuplex } from "hawser/streams";

const listener = await listen("tcp://127.0.0.1:0", async (connection) => {
  const socket = toDuplex(connection);
  await pipeline(socket, createGunzip(), process.stdout);
});
const connection = await connect(`tcp://127.0.0.1:${listener.port}`);
await pipeline(["as a net.Socket would\n"], createGzip(), toDuplex(connection));
await connection.closed;
await listener.close();
