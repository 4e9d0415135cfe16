import { listen } from "hawser";

// Server and client on one port: answers go out where questions come in.
const listener = await listen("udp://127.0.0.1:0", {
  data(flow, bytes) {
    flow.write(bytes);
  },
});
const flow = await listener.connect(`udp://127.0.0.1:${process.env.PORT}`);
await flow.send("ping");
console.log(`echo on ${listener.port}`);
