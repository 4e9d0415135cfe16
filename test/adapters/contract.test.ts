// The contract of byte streams over toDuplex: a connection on a stream on a connection.

import { toDuplex } from "../../lib/adapters/duplex.ts";
import { connect, listen } from "../../lib/index.ts";
import { checkByteStream } from "../contract/byte-stream.ts";
import { connectionOver } from "../contract/memory-channel.ts";
import { DuplexChannel } from "./duplex-channel.ts";

checkByteStream({
  name: "a Node stream",
  pair: async (options) => {
    const under = { allowHalfOpen: true };
    const listener = await listen("tcp://127.0.0.1:0", { newConnectionLimit: 1, ...under });
    const accepting = listener[Symbol.asyncIterator]().next();
    const near = await connect(`tcp://127.0.0.1:${listener.port as number}`, under);
    const accepted = await accepting;
    if (accepted.done) throw new Error("nothing was accepted");
    const far = accepted.value;
    void Promise.all([near.closed, far.closed]).then(() => listener.close());
    const over = (connection: typeof near) =>
      connectionOver(new DuplexChannel(toDuplex(connection)) as never, options);
    return [over(near), over(far)];
  },
});
