// Errors as `ws` words them. The package itself says what is right: both get the same wrong bytes.

import { once } from "node:events";
import { describe, expect, test } from "vitest";
import type WS from "ws";
import { WebSocketServer as OtherServer } from "ws";
import { upgradeFailed, upgradeRefused } from "../../lib/websocket/errors.ts";
import { WebSocketServer } from "../../lib/websocket/ws.ts";
import { wsError } from "../../lib/websocket/ws-errors.ts";
import { afterTest, Raw, request } from "./support.ts";

const mask = [0, 0, 0, 0];
const cases: [name: string, bytes: number[]][] = [
  ["RSV1", [0xc1, 0x80, ...mask]],
  ["RSV2", [0xa1, 0x80, ...mask]],
  ["RSV3", [0x91, 0x80, ...mask]],
  ["a reserved opcode", [0x83, 0x80, ...mask]],
  ["a reserved control opcode", [0x8b, 0x80, ...mask]],
  ["a continuation of nothing", [0x80, 0x80, ...mask]],
  ["a message inside a message", [0x01, 0x80, ...mask, 0x81, 0x80, ...mask]],
  ["a control frame in fragments", [0x09, 0x80, ...mask]],
  ["a control frame too long", [0x89, 0xfe, 0x00, 0x7e, ...mask]],
  ["no mask", [0x81, 0x00]],
  ["a Close of one byte", [0x88, 0x81, ...mask, 0x03]],
  ["a Close with a wrong code", [0x88, 0x82, ...mask, 0x03, 0xed]],
  ["bad UTF-8", [0x81, 0x81, ...mask, 0xff]],
  ["a message too big", [0x82, 0xfe, 0x04, 0x00, ...mask]],
];

interface Server {
  on(event: string, listener: (...args: never[]) => void): unknown;
  close(): void;
  address(): unknown;
}

async function errorOf(Class: new (options: object) => Server, bytes: number[]) {
  const server = new Class({ port: 0, host: "127.0.0.1", maxPayload: 1_000 });
  afterTest(() => server.close());
  await once(server as never, "listening");
  const failed = new Promise<NodeJS.ErrnoException>((resolve) => {
    server.on("connection", ((socket: WS) => socket.on("error", resolve)) as never);
  });
  const raw = new Raw((server.address() as { port: number }).port);
  raw.write(request());
  await raw.head();
  raw.write(Uint8Array.from(bytes));
  const { name, message, code } = await failed;
  return { name, message, code };
}

describe("broken rules", () => {
  test.each(cases)("%s", async (_, bytes) => {
    const expected = await errorOf(OtherServer as never, bytes);
    expect(await errorOf(WebSocketServer as never, bytes)).toEqual(expected);
    expect(expected.code).toMatch(/^WS_ERR_/);
  });
});

describe("other errors", () => {
  test("a refusal names the status", () => {
    const answer = {
      status: 503,
      statusText: "",
      headers: {},
      rawHeaders: [],
      body: Buffer.alloc(0),
    };
    const error = upgradeRefused(answer as never, {});
    expect(wsError(error)).toMatchObject({
      message: "Unexpected server response: 503",
      cause: error,
    });
  });

  test("what `ws` has no words for stays as it is", () => {
    const failed = upgradeFailed("no HTTP", {});
    expect(wsError(failed)).toBe(failed);
    const other = new TypeError("mine");
    expect(wsError(other)).toBe(other);
    expect(wsError("text")).toEqual(new Error("text"));
  });
});
