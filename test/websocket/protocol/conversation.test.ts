// Two protocol objects that talk to each other in memory.

import { describe, expect, test } from "vitest";
import { PreparedMessage } from "../../../lib/websocket/protocol/index.ts";
import { digests, exchange, makeSide } from "./support.ts";

describe("two protocol objects in memory", () => {
  const pair = () => [makeSide({ role: "client" }), makeSide({ role: "server" })] as const;

  test("B42 whoever begins, both see the code, and the server ends the transport", () => {
    for (const begins of [0, 1] as const) {
      const sides = pair();
      sides[begins].protocol.close(4000, "bye", 0);
      exchange(...sides);
      const [client, server] = sides;
      expect(server.handler.named("shutdown").length).toBe(1);
      expect(client.handler.named("shutdown").length).toBe(0);
      client.protocol.end(1);
      for (const side of sides) side.protocol.transportClosed(2);
      const other = sides[begins === 0 ? 1 : 0];
      expect(other.handler.closed).toMatchObject({ code: 4000, reason: "bye", wasClean: true });
      expect(sides[begins].handler.closed).toMatchObject({ code: 4000, wasClean: true });
      expect(other.handler.closed?.initiator).toBe("remote");
      expect(sides[begins].handler.closed?.initiator).toBe("local");
    }
  });

  test("B42 simultaneous Closes are clean on both sides, each sees the other's code", () => {
    const [client, server] = pair();
    client.protocol.close(4001, "", 0);
    server.protocol.close(4002, "", 0);
    exchange(client, server);
    for (const side of [client, server]) side.protocol.transportClosed(1);
    expect(client.handler.closed).toMatchObject({ code: 4002, wasClean: true, sentCode: 4001 });
    expect(server.handler.closed).toMatchObject({ code: 4001, wasClean: true, sentCode: 4002 });
  });

  test("every wire code reaches the other side", () => {
    for (const code of [
      1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4999,
    ]) {
      const [client, server] = pair();
      server.protocol.close(code, "r", 0);
      exchange(client, server);
      expect(client.handler.named("closing")).toEqual([["closing", code, "r"]]);
    }
  });

  test("an echo of many messages comes back whole and in order", () => {
    const [client, server] = pair();
    server.handler.react = (entry) => {
      if (entry[0] === "message")
        server.protocol.send(entry[1] as string, typeof entry[1] !== "string", true, 0);
    };
    const messages: (string | Buffer)[] = [];
    for (let at = 0; at < 300; at++) {
      messages.push(at % 2 === 0 ? `${"ü".repeat(at * 7)}${at}` : Buffer.alloc(at * 31, at));
    }
    for (const message of messages)
      client.protocol.send(message, typeof message !== "string", true, 0);
    exchange(client, server);
    expect(digests(client.handler.messages)).toEqual(digests(messages));
  });

  test("a prepared message is one frame for many, and a client may not send it", () => {
    const prepared = new PreparedMessage("news");
    const [client, server] = pair();
    expect(server.protocol.sendPrepared(prepared, 0)).toBe(true);
    exchange(client, server);
    expect(client.handler.messages).toEqual(["news"]);
    expect(() => client.protocol.sendPrepared(prepared, 0)).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_STATE" }),
    );
  });
});
