// listener.close({ drain: true }): what the kernel has queued comes in, and connections end by
// themselves. Not here: several listeners on one port (sharing.test.ts).

import { execFileSync } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { type Connection, listen, StreamSocket } from "../../lib/index.ts";
import { closing, delay, nodeClient, ownProcess, serve, until } from "./support.ts";

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

  test("B29 loses nobody to a handler that opens sockets of its own", async () => {
    const sockets: StreamSocket[] = [];
    const opened: Connection[] = [];
    const listener = await serve({
      open: (connection) => {
        opened.push(connection);
        // Would take the place of the listener, which is closed by now.
        sockets.push(new StreamSocket({ family: "IPv4" }));
      },
      data: (connection, bytes) => void connection.write(bytes),
    });
    const address = { address: "127.0.0.1", port: listener.port as number };
    const peers = Array.from({ length: 4 }, () => new StreamSocket({ family: "IPv4" }));
    // In one turn: they are in the queue when the listener begins to drain.
    const connecting = peers.map((peer) => peer.connect(address));
    const closed = listener.close({ drain: true });
    await Promise.all(connecting);
    for (const peer of peers) {
      await peer.send("still");
      expect(String(await peer.receive())).toBe("still");
    }
    expect(opened.length).toBe(4);
    await Promise.all([...sockets, ...peers].map((socket) => socket.close()));
    await expect(closed).resolves.toEqual({ error: null, aborted: 0 });
  });

  test.runIf(process.platform === "linux").each([
    ["127.0.0.1", "127.0.0.1"],
    ["[::]", "::1"],
    ["[::]", "127.0.0.1"],
  ])(
    "B29 with reusePort a handshake under way ends here, and new ones go to the others (%s from %s)",
    async (at, host) => {
      // The last segment of a handshake is passed over, so that it is under way until data comes.
      const shared = { reusePort: true, socketOptions: { TCP_DEFER_ACCEPT: 5 } };
      const name = (text: string) => ({
        data: (connection: Connection) => void connection.write(text),
      });
      const leaving = closing(await listen(`tcp://${at}:0`, { ...shared, ...name("leaving") }));
      const { port } = leaving;
      const early = await Promise.all(Array.from({ length: 8 }, () => nodeClient({ port, host })));
      const staying = closing(
        await listen(`tcp://${at}:${port}`, { ...shared, ...name("staying") }),
      );
      const closed = leaving.close({ drain: true });
      const late = Array.from({ length: 8 }, () => nodeClient({ port, host }));
      const answerTo = async (peer: Socket) => {
        peer.write("?");
        const [bytes] = await once(peer, "data");
        peer.end();
        return String(bytes);
      };
      // Far within the time that it waits, and long after the queue is empty.
      await delay(20);
      const answers = await Promise.all(early.map(answerTo));
      expect(answers).toEqual(early.map(() => "leaving"));
      // Half of them find the leaving one, and are taken by the other when they knock again.
      for (const peer of await Promise.all(late)) expect(await answerTo(peer)).toBe("staying");
      expect(await closed).toEqual({ error: null, aborted: 0 });
      expect(staying.counters.accepted).toBe(8);
    },
  );

  test("a listener that was let go drains all the same before the process ends", async () => {
    const peer = ownProcess(`
      const listener = await listen("tcp://127.0.0.1:0", { newConnectionLimit: 0, data(c) {
        c.write("served");
      } });
      listener.unref();
      say(listener.port);
      process.stdin.once("data", () => {
        process.stdin.destroy();
        void listener.close({ drain: true }).then(() => say("closed"));
      });`);
    const socket = await nodeClient({ port: Number(await peer.line()), host: "127.0.0.1" });
    socket.write("?");
    peer.say("drain");
    expect(String((await once(socket, "data"))[0])).toBe("served");
    socket.end();
    expect(await peer.line()).toBe("closed");
    expect(await peer.exit).toBe(0);
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
