// What a stream over a connection can be asked, as on net.Socket.

import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { toDuplex } from "../../lib/adapters/duplex.ts";
import { Connection } from "../../lib/index.ts";
import { both, cleanUpAfterEach, pairOf } from "./duplex-support.ts";
import { hawserPair } from "./pairs.ts";

cleanUpAfterEach();

describe("properties", () => {
  it("addresses and counts are those of the connection", async () => {
    const { client, server } = await pairOf(hawserPair);
    expect(client.remoteAddress).toBe("127.0.0.1");
    expect([client.remoteFamily, client.localFamily]).toEqual(["IPv4", "IPv4"]);
    expect(client.remotePort).toBe(server.localPort);
    expect(client.localPort).toBe(server.remotePort);
    expect(client.address()).toEqual({
      address: "127.0.0.1",
      family: "IPv4",
      port: client.localPort,
    });
    client.write("12345");
    await once(server, "data");
    expect([client.bytesWritten, server.bytesRead, client.bufferSize]).toEqual([5, 5, 0]);
  });

  it("bytesWritten counts what waits, as in node:net", async () => {
    const { node, hawser } = await both(async ({ client }) => {
      client.write(Buffer.alloc(3_000_000));
      client.write("ü");
      return client.bytesWritten;
    });
    expect(hawser).toBe(node);
    expect(hawser).toBe(3_000_002);
  });

  it("unref() and ref() pass on and chain", async () => {
    const { client } = await pairOf(hawserPair);
    expect(client.unref().ref()).toBe(client);
  });

  it("toDuplex refuses what is no connection, and one whose data goes to a callback", async () => {
    expect(() => toDuplex({} as never)).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARG_TYPE" }),
    );
    const taken = new Connection("tcp://127.0.0.1:9", { data() {} });
    expect(() => toDuplex(taken)).toThrow(expect.objectContaining({ code: "ERR_INVALID_STATE" }));
  });
});
