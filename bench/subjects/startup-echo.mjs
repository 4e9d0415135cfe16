// Listens, connects to itself, sees one message come back and ends. Argument: nothing, node, ws or
// hawser.
import process from "node:process";

const MESSAGE = Buffer.from("x");

async function overNode() {
  const { connect, createServer } = await import("node:net");
  const server = createServer({ noDelay: true }, (socket) => socket.pipe(socket));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const client = connect({ port: server.address().port, host: "127.0.0.1", noDelay: true });
  client.write(MESSAGE);
  await new Promise((resolve) => client.once("data", resolve));
  client.end();
  server.close();
}

async function overWs() {
  const { WebSocket, WebSocketServer } = await import(
    `${process.env.BENCH_PEER}/node_modules/ws/wrapper.mjs`
  );
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  server.on("connection", (socket) => socket.on("message", (data) => socket.send(data)));
  await new Promise((resolve) => server.once("listening", resolve));
  const client = new WebSocket(`ws://127.0.0.1:${server.address().port}`);
  await new Promise((resolve) => client.once("open", resolve));
  client.send(MESSAGE);
  await new Promise((resolve) => client.once("message", resolve));
  client.close();
  server.close();
}

async function overHawser() {
  const { connect, listen } = await import("../../dist/index.js");
  if (connect === undefined || listen === undefined) {
    process.stderr.write("unavailable: hawser does not export connect and listen yet\n");
    process.exit(3);
  }
  const listener = await listen("tcp://127.0.0.1:0", {
    data: (connection, bytes) => connection.write(bytes),
  });
  const client = await connect(`tcp://127.0.0.1:${listener.port}`);
  await client.send(MESSAGE);
  await client.receive();
  await client.close();
  await listener.close();
}

const work = { nothing: async () => {}, node: overNode, ws: overWs, hawser: overHawser };
await work[process.argv[2]]();
