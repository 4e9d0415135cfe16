// The listener of flood.test.ts, in a process of its own whose memory is measured. Commands and
// answers over the channel of fork(); a command is the name of a function below and its argument.
import { listen } from "../../../lib/index.ts";
import { internedPeers } from "../../../lib/socket/peers.ts";

let listener;
let known;

const commands = {
  async listen(options) {
    listener = await listen("udp://0.0.0.0:0", options);
    return { port: listener.port };
  },

  /** The flow that is answered: it echoes whatever comes, in the midst of the flood. */
  async answer(port) {
    known = await listener.connect(`udp://127.0.0.1:${port}`, {
      data: (flow, bytes) => flow.write(bytes),
    });
    await known.send("known");
  },

  /** What is held, after all that can be collected was: bytes. */
  memory() {
    for (let times = 0; times < 3; times++) globalThis.gc();
    const { heapUsed, external, arrayBuffers, rss } = process.memoryUsage();
    return { heapUsed, external, arrayBuffers, rss };
  },

  state() {
    const { size } = listener.connections;
    return { ...listener.udpCounters, size, known: known.state, peers: internedPeers() };
  },
};

process.on("message", async ([name, argument]) => {
  process.send((await commands[name](argument)) ?? {});
});
process.on("disconnect", () => process.exit());
