// One connection, one stream.

import { afterEach, describe, expect, it } from "vitest";
import { claim } from "../../lib/adapters/claim.ts";
import { createSocket, toDuplex } from "../../lib/adapters/duplex.ts";
import { toWeb } from "../../lib/adapters/web.ts";
import { Connection } from "../../lib/index.ts";
import { connections } from "./pairs.ts";

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

const unused = () => new Connection("tcp://127.0.0.1:9");
const withCode = (code: string) => expect.objectContaining({ name: "TypeError", code });

describe.each([
  ["toDuplex", toDuplex],
  ["toWeb", toWeb],
])("%s", (_, stream: (connection: Connection) => unknown) => {
  it.each([[undefined], [null], [{}], ["tcp://h:1"]])("refuses %j", (value) => {
    expect(() => stream(value as never)).toThrow(withCode("ERR_INVALID_ARG_TYPE"));
  });

  it("refuses one whose data goes to a callback", () => {
    const taken = new Connection("tcp://127.0.0.1:9", { data() {} });
    expect(() => stream(taken)).toThrow(withCode("ERR_INVALID_STATE"));
  });

  it.each([toDuplex, toWeb])("refuses one that is a stream already", (first) => {
    const connection = unused();
    first(connection);
    expect(() => stream(connection)).toThrow(withCode("ERR_INVALID_STATE"));
  });
});

it("what was refused is not taken", () => {
  const connection = unused();
  expect(() => toDuplex(connection, { allowHalfOpen: 1 } as never)).toThrow(TypeError);
  expect(claim(connection)).toBe(connection);
});

it("a stream that was refused leaves the first one everything", async () => {
  const { client, server, listener } = await connections();
  cleanUps.push(
    () => listener.close({ timeout: 0 }),
    () => client.abort(),
  );
  const { readable } = toWeb(client);
  expect(() => toDuplex(client)).toThrow(/belongs to another stream/);
  await server.send("all of it");
  const { value } = await readable.getReader().read();
  expect(String(Buffer.from(value ?? []))).toBe("all of it");
});

describe("options", () => {
  it.each([[null], ["x"], [5]])("of toDuplex are no %j", (options) => {
    expect(() => toDuplex(unused(), options as never)).toThrow(withCode("ERR_INVALID_ARG_TYPE"));
  });

  it("of toDuplex that are unknown are told with the nearest known one", () => {
    expect(() => toDuplex(unused(), { halfOpen: true } as never)).toThrow(/"allowHalfOpen"/);
  });

  it("of createSocket are checked when it is made, not when it connects", () => {
    expect(() => createSocket(null as never)).toThrow(withCode("ERR_INVALID_ARG_TYPE"));
    expect(() => createSocket({ keepalive: false } as never)).toThrow(/did you mean "keepAlive"/);
    expect(() => createSocket({ connectTimeout: -1 })).toThrow(RangeError);
    expect(() => createSocket({ data() {} })).toThrow(withCode("ERR_INVALID_STATE"));
  });
});
