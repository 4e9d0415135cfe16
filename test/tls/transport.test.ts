// The Node stream over a byte channel, on which node:tls writes its records.

import { once } from "node:events";
import { describe, expect, it } from "vitest";
import type { ByteChannel } from "../../lib/net/byte-channel.ts";
import { makeTransport } from "../../lib/tls/transport.ts";

function recorder() {
  const written: string[] = [];
  const channel = { write: (bytes: Uint8Array) => written.push(String(bytes)) };
  return { written, channel: channel as unknown as ByteChannel };
}

describe("Transport", () => {
  it("passes every write on at once, corked ones together", () => {
    const { written, channel } = recorder();
    const transport = makeTransport(channel, () => {});
    transport.write("a");
    transport.cork();
    transport.write("b");
    transport.write("c");
    expect(written).toEqual(["a"]);
    transport.uncork();
    expect(written).toEqual(["a", "b", "c"]);
  });

  it("tells the end after the last write, once", async () => {
    const { written, channel } = recorder();
    const transport = makeTransport(channel, () => written.push("end"));
    transport.end("last");
    await once(transport, "finish");
    expect(written).toEqual(["last", "end"]);
  });

  it("gives what is pushed, and stays writable after the other side's end", async () => {
    const { written, channel } = recorder();
    const transport = makeTransport(channel, () => {});
    const ended = once(transport, "end");
    transport.push("up");
    transport.push(null);
    const [bytes] = await once(transport, "data");
    expect(String(bytes)).toBe("up");
    await ended;
    transport.write("still");
    expect(written).toEqual(["still"]);
  });
});
