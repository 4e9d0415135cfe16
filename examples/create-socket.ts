import { createSocket } from "hawser/streams";

// For programs that make a socket and call connect(port, host) themselves, as pg and mysql2 do.
const socket = createSocket({ keepAlive: { idle: 10_000, interval: 5_000, count: 3 } });
socket.connect(Number(process.env.PORT), "127.0.0.1");
socket.on("connect", () => socket.end("SELECT 1"));
socket.on("data", (bytes) => console.log(`${bytes}`));
socket.on("close", (hadError: boolean) => console.log(hadError));
