// The contract of byte streams over TCP, Unix sockets and memory.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { connect, listen } from "../../lib/index.ts";
import type { StreamEndpoint } from "../../lib/net/types.ts";
import { checkByteStream, type EndOptions, type MakePair } from "./byte-stream.ts";
import { connectionOver, MemoryChannel } from "./memory-channel.ts";

const folder = mkdtempSync(join(tmpdir(), "hawser-contract-"));
afterAll(() => rmSync(folder, { recursive: true }));
let names = 0;

function over(endpoint: () => StreamEndpoint): MakePair {
  return async (options: EndOptions) => {
    const at = endpoint();
    const listener = await listen(at, { newConnectionLimit: 1, ...options });
    const accepting = listener[Symbol.asyncIterator]().next();
    const { port } = listener;
    const near = await connect(port === undefined ? at : `tcp://127.0.0.1:${port}`, options);
    const accepted = await accepting;
    if (accepted.done) throw new Error("nothing was accepted");
    const far = accepted.value;
    void Promise.all([near.closed, far.closed]).then(() => listener.close());
    return [near, far];
  };
}

checkByteStream({ name: "tcp", pair: over(() => "tcp://127.0.0.1:0") });

checkByteStream({
  name: "unix",
  pair: over(() => ({ path: join(folder, `${names++}.sock`) })),
  // A Unix socket has no reset but for unread data.
  tellsResets: false,
});

checkByteStream({
  name: "memory",
  pair: async (options) => {
    const [near, far] = MemoryChannel.pair();
    return [connectionOver(near, options), connectionOver(far, options)];
  },
});
