// listener.close({ drain: true }): what the kernel has queued comes in, and connections end by
// themselves. Not here: several listeners on one port (sharing.test.ts).

import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { type Connection, listen } from "../../lib/index.ts";
import { closing, nodeClient, ownProcess, serve, until } from "./support.ts";

describe("close({ drain: true })", () => {
  test("takes in what is queued, whatever the limits are, and leaves connections open", async () => {
    const opened: Connection[] = [];
    const listener = await serve({
      newConnectionLimit: 1,
      open: (connection) => opened.push(connection),
      data: (connection, bytes) => void connection.write(bytes),
    });
    const peers = await Promise.all(
      Array.from({ length: 6 }, () => nodeClient({ port: listener.port })),
    );
    await until("one", () => opened.length === 1);
    let isOver = false;
    const closed = listener.close({ drain: true }).then((result) => {
      isOver = true;
      return result;
    });
    expect(listener.state).toBe("closing");
    await until("all", () => opened.length === 6);
    for (const peer of peers) {
      peer.write("still");
      expect(String((await once(peer, "data"))[0])).toBe("still");
    }
    expect(isOver).toBe(false);
    for (const peer of peers) peer.end();
    await expect(closed).resolves.toEqual({ error: null, aborted: 0 });
    expect(listener.state).toBe("closed");
  });

  test("nobody new comes in behind it", async () => {
    const listener = await serve({ open() {} });
    const { port } = listener;
    await listener.close({ drain: true });
    await expect(nodeClient({ port })).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  test("an iteration gets those of the queue, and then ends", async () => {
    const listener = closing(await listen("tcp://127.0.0.1:0"));
    const peers = await Promise.all(
      Array.from({ length: 3 }, () => nodeClient({ port: listener.port as number })),
    );
    const closed = listener.close({ drain: true });
    const got: Connection[] = [];
    for await (const connection of listener) got.push(connection);
    expect(got).toHaveLength(3);
    for (const peer of peers) peer.end();
    await closed;
  });

  test("B28: out of descriptors, it waits for some before it resets who is queued", async () => {
    const peer = ownProcess(`
      const { closeSync, openSync } = await import("node:fs");
      const full = [];
      let opened = 0;
      const listener = await listen("tcp://127.0.0.1:0", {
        newConnectionLimit: 0,
        open() { opened++; },
        error() { setTimeout(() => { for (const one of full.splice(0)) closeSync(one); }, 20); },
      });
      say(listener.port);
      process.stdin.once("data", async () => {
        try {
          for (;;) full.push(openSync("/dev/null"));
        } catch {}
        void listener.close({ drain: true }).then(() => say(opened));
      });`);
    const port = Number(await peer.line());
    const sockets = await Promise.all([0, 1, 2].map(() => nodeClient({ port, host: "127.0.0.1" })));
    execFileSync("prlimit", ["--pid", String(peer.child.pid), "--nofile=100:100"]);
    peer.say("drain");
    const ended = sockets.map((socket) => once(socket.end().resume(), "close"));
    expect(await peer.line()).toBe("3");
    await Promise.all(ended);
  });

  test("close() after it ends the connections, and a timeout aborts them", async () => {
    for (const again of [undefined, { drain: true, timeout: 20 }]) {
      const opened: Connection[] = [];
      const listener = await serve({ open: (connection) => opened.push(connection) });
      const peer = await nodeClient({ port: listener.port });
      await until("one", () => opened.length === 1);
      void listener.close({ drain: true });
      // An abort is an error of the peer's.
      const ended = new Promise((resolve) => peer.resume().once("close", resolve));
      const { aborted } = await listener.close(again);
      expect(aborted).toBe(again === undefined ? 0 : 1);
      await ended;
    }
  });

  test("drain is true or false", async () => {
    const listener = await serve({ open() {} });
    expect(() => listener.close({ drain: 1 } as never)).toThrow(TypeError);
    expect(() => listener.close({ drian: true } as never)).toThrow(/drain/);
  });
});
