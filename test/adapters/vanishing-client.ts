// Run in a network namespace by vanishing.test.ts: a Redis server, and a client over hawser. When
// it is told on standard input that packets are dropped, it waits for the end of its connection
// and prints the error and how long it took.

import { once } from "node:events";
import { createInterface } from "node:readline";
import { toDuplex } from "../../lib/adapters/duplex.ts";
import { connect } from "../../lib/index.ts";
import { startRedis } from "./servers.ts";

const [mode] = process.argv.slice(2);
const server = await startRedis();
const connection = await connect(`tcp://127.0.0.1:${server.port}`, {
  keepAlive: { idle: 1_000, interval: 1_000, count: 2 },
});
const stream = toDuplex(connection);
stream.write("PING\r\n");
const [answer] = await once(stream, "data");
stream.resume();
console.log(`ready ${server.port} ${String(answer).trim()}`);
await once(createInterface(process.stdin), "line");
const droppedAt = performance.now();
if (mode === "pending") stream.write("GET key\r\n");
const [error] = await once(stream, "error");
const ms = performance.now() - droppedAt;
await server.stop();
console.log(JSON.stringify({ code: error.code, reason: error.reason, ms }));
process.exit();
