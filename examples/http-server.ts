import { createServer } from "hawser/http";

// Node's own HTTP server, whose connections have keepalive and find dead peers.
const web = createServer((request, response) => {
  response.end(`${request.method} ${request.url} from ${request.socket.remoteAddress}\n`);
});
const { port } = await web.listen("tcp://127.0.0.1:0", { dropTimeout: 20_000 });
console.log(`http on ${port}`);
process.once("SIGTERM", () => web.close({ timeout: 10_000 }));
