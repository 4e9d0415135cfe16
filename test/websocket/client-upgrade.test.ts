// The opening handshake of a client: answers that are none, time-outs, signals, what is sent.

import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { connect, type UpgradeRequest } from "../../lib/index.ts";
import { afterTest, called, open, serve } from "./support.ts";

describe("a client", () => {
  async function answering(answer: string): Promise<`ws://${string}`> {
    const net = await import("node:net");
    const server = net.createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => socket.end(answer));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    afterTest(() => server.close());
    return `ws://127.0.0.1:${(server.address() as import("node:net").AddressInfo).port}`;
  }

  test.each([
    ["no HTTP", "hello\r\n\r\n"],
    [
      "a wrong key",
      "HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n",
    ],
    ["nothing", ""],
  ])("rejects an answer that is none: %s", async (_, answer) => {
    const error = await connect(await answering(answer)).catch((reason) => reason);
    expect(error).toMatchObject({ code: "ERR_HAWSER_UPGRADE_FAILED", phase: "upgrade" });
  });

  test("B2: connectTimeout covers the upgrade, and the error names the phase", async () => {
    const { createServer } = await import("node:net");
    const server = createServer((socket) => void socket.on("error", () => {}));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    afterTest(() => server.close());
    const { port } = server.address() as import("node:net").AddressInfo;
    const startedAt = performance.now();
    const error = await connect(`ws://127.0.0.1:${port}`, { connectTimeout: 200 }).catch((e) => e);
    expect(error).toMatchObject({
      code: "ETIMEDOUT",
      phase: "upgrade",
      reason: "CONNECT_TIMEOUT",
    });
    expect(performance.now() - startedAt).toBeLessThan(900);
  });

  test("signal ends it during the upgrade, with its own reason", async () => {
    const asked = called<[UpgradeRequest]>();
    const { url } = await serve({
      upgrade(info) {
        asked.fn(info);
        return new Promise(() => {});
      },
      open: () => {},
    });
    const controller = new AbortController();
    const connecting = connect(url, { signal: controller.signal });
    await asked.args;
    const reason = new Error("enough");
    controller.abort(reason);
    await expect(connecting).rejects.toBe(reason);
    await expect(connect(url, { signal: controller.signal })).rejects.toBe(reason);
  });

  test("B1: a refused port is ECONNREFUSED in phase connect", async () => {
    const error = await connect("ws://127.0.0.1:1").catch((reason) => reason);
    expect(error).toMatchObject({ code: "ECONNREFUSED", phase: "connect", port: 1 });
  });

  test("user info of the URL is sent as basic authentication", async () => {
    let seen: string | undefined;
    const { port } = await serve({
      upgrade({ headers }) {
        seen = headers.authorization;
        return undefined;
      },
      open: () => {},
    });
    await open(`ws://me:p%40ss@127.0.0.1:${port}`);
    expect(seen).toBe(`Basic ${Buffer.from("me:p@ss").toString("base64")}`);
  });

  test("wrong options are a TypeError that names what is meant", async () => {
    const url = "ws://127.0.0.1:1";
    await expect(connect(url, { protcols: "a" } as never)).rejects.toThrow(/protocols/);
    await expect(connect(url, { protocols: "a b" })).rejects.toThrow(TypeError);
    await expect(connect(url, { headers: { Upgrade: "x" } })).rejects.toThrow(TypeError);
    await expect(connect(url, { lend: true })).rejects.toThrow(/message/);
  });

  test("over a Unix socket", async () => {
    const { listen } = await import("../../lib/index.ts");
    const { mkdtempSync, rmSync } = await import("node:fs");
    const { tmpdir } = await import("node:os");
    const folder = mkdtempSync(`${tmpdir()}/ws-`);
    afterTest(() => rmSync(folder, { recursive: true }));
    const listener = await listen(`ws+unix:${folder}/s:/`, {
      message: (socket, message) => void socket.write(message),
    });
    afterTest(() => listener.close({ timeout: 0 }));
    const socket = await open(`ws+unix:${folder}/s:/chat` as never);
    socket.write("unix");
    expect(await socket.receive()).toBe("unix");
  });
});
