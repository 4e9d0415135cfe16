// Which addresses a listener takes, and what it leaves behind.

import { once } from "node:events";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Connection, connect, listen } from "../../lib/index.ts";
import {
  afterTest,
  closing,
  deferred,
  nodeClient,
  Peer,
  python,
  temporaryFolder,
} from "./support.ts";

const LEAVES_A_FILE = `
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(); say("bound"); hear()
`;

describe("ports", () => {
  test("B30 a port of 0 is known when listen() resolves", async () => {
    const listener = closing(await listen("tcp://127.0.0.1:0", { open() {} }));
    expect(listener.state).toBe("ready");
    expect(listener.port).toBeGreaterThan(0);
    expect(listener.address).toEqual({ address: "127.0.0.1", family: "IPv4", port: listener.port });
    await nodeClient({ port: listener.port, host: "127.0.0.1" });
  });

  test("B29 a port that is taken is EADDRINUSE with what to do, and nothing stays open", async () => {
    const first = closing(await listen("tcp://127.0.0.1:0", { open() {} }));
    const { port } = first;
    const second = listen(`tcp://127.0.0.1:${port}`, { open() {} });
    await expect(second).rejects.toMatchObject({
      code: "EADDRINUSE",
      address: "127.0.0.1",
      port,
      syscall: expect.stringMatching(/bind|listen/),
      message: expect.stringContaining("another socket has this port"),
    });
  });

  test.runIf(process.platform === "linux")(
    "B29 with reusePort several listeners share a port",
    async () => {
      const counts = [0, 0];
      const count = (index: number) => ({
        reusePort: true,
        open: (c: Connection) => {
          counts[index] = (counts[index] ?? 0) + 1;
          c.write("hi");
        },
      });
      const first = closing(await listen("tcp://127.0.0.1:0", count(0)));
      closing(await listen(`tcp://127.0.0.1:${first.port}`, count(1)));
      for (let i = 0; i < 40; i++) {
        const peer = await nodeClient({ port: first.port });
        await once(peer, "data");
      }
      expect(Math.min(...counts)).toBeGreaterThan(0);
      expect((counts[0] ?? 0) + (counts[1] ?? 0)).toBe(40);
    },
  );
});

describe("families", () => {
  test.each(["tcp://:0", "tcp://*:0", "tcp://[::]:0"])(
    "B31 %s takes 127.0.0.1 and ::1, and reports IPv4 as IPv4",
    async (endpoint) => {
      const opened: Connection[] = [];
      const { promise, resolve } = deferred();
      const listener = closing(
        await listen(endpoint as "tcp://", {
          open: (c) => {
            if (opened.push(c) === 2) resolve();
          },
        }),
      );
      expect(listener.address.address).toBe("::");
      const four = await nodeClient({ port: listener.port, host: "127.0.0.1" });
      const six = await nodeClient({ port: listener.port, host: "::1" });
      await promise;
      const seen = opened.map((c) => [
        c.remoteAddress,
        c.remoteFamily,
        c.localAddress,
        c.remotePort,
      ]);
      expect(seen).toContainEqual(["127.0.0.1", "IPv4", "127.0.0.1", four.localPort]);
      expect(seen).toContainEqual(["::1", "IPv6", "::1", six.localPort]);
    },
  );

  test("B31 ipv6Only leaves IPv4 out, family: 4 leaves IPv6 out", async () => {
    const six = closing(await listen("tcp://[::]:0", { open() {}, ipv6Only: true }));
    await expect(connect(`tcp://127.0.0.1:${six.port}`)).rejects.toMatchObject({
      code: "ECONNREFUSED",
    });
    const four = closing(await listen("tcp://*:0", { open() {}, family: 4 }));
    expect(four.address.address).toBe("0.0.0.0");
    await expect(connect(`tcp://[::1]:${four.port}`)).rejects.toMatchObject({
      code: "ECONNREFUSED",
    });
  });

  test("localhost is both loopback addresses on one port, without asking a resolver", async () => {
    const lookup = () => expect.unreachable("a resolver was asked");
    const listener = closing(
      await listen("tcp://localhost:0", { open() {}, lookup: lookup as never }),
    );
    const { port } = listener;
    expect(listener.addresses).toEqual([
      { address: "127.0.0.1", family: "IPv4", port },
      { address: "::1", family: "IPv6", port },
    ]);
    await nodeClient({ port, host: "127.0.0.1" });
    await nodeClient({ port, host: "::1" });
    const one = closing(await listen("tcp://localhost:0", { open() {}, family: 6 }));
    expect(one.addresses.map(({ address }) => address)).toEqual(["::1"]);
  });

  test("localhost on a port that one family has taken is EADDRINUSE, and nothing stays open", async () => {
    const taken = createServer().listen(0, "::1");
    await once(taken, "listening");
    afterTest(() => taken.close());
    const { port } = taken.address() as { port: number };
    await expect(listen(`tcp://localhost:${port}`, { open() {} })).rejects.toMatchObject({
      code: "EADDRINUSE",
    });
    // What had been bound of the other family is free again.
    closing(await listen(`tcp://127.0.0.1:${port}`, { open() {} }));
  });
});

describe("Unix sockets", () => {
  test("a path: connecting, names, and the file is gone after close()", async () => {
    const path = join(temporaryFolder(), "a.sock");
    const opened = deferred<Connection>();
    const listener = await listen(`unix:${path}`, { open: opened.resolve });
    expect(statSync(path).isSocket()).toBe(true);
    expect(listener.port).toBeUndefined();
    expect(listener.address).toEqual({ address: path, family: "unix", port: 0 });
    const peer = new Peer("socat", ["-", `UNIX-CONNECT:${path}`]);
    const connection = await opened.promise;
    expect([connection.transport, connection.localAddress, connection.remoteAddress]).toEqual([
      "unix",
      path,
      "",
    ]);
    connection.write("hello\n");
    expect(await peer.line()).toBe("hello");
    await listener.close({ timeout: 0 });
    expect(existsSync(path)).toBe(false);
  });

  test("a path that a dead listener left behind is EADDRINUSE, and says what to do", async () => {
    const path = join(temporaryFolder(), "dead.sock");
    const dead = python(LEAVES_A_FILE, path);
    await dead.line();
    dead.say("end");
    await dead.exit;
    const error = await listen(`unix:${path}`, { open() {} }).catch((reason) => reason);
    expect(error).toMatchObject({ code: "EADDRINUSE", syscall: "bind", address: path });
    expect(error.message).toContain("remove it if no process listens on it");
    const refused = await connect(`unix:${path}`).catch((reason) => reason);
    expect(refused).toMatchObject({ code: "ECONNREFUSED", address: path });
    expect(refused.message).toContain("no process listens on it");
    expect(existsSync(path)).toBe(true);
  });

  test("a file that somebody else has put there meanwhile is left alone", async () => {
    const path = join(temporaryFolder(), "replaced.sock");
    const listener = await listen(`unix:${path}`, { open() {} });
    const { unlinkSync } = await import("node:fs");
    unlinkSync(path);
    writeFileSync(path, "not ours");
    await listener.close();
    expect(existsSync(path)).toBe(true);
  });

  test("a path that does not exist is ENOENT with what to look at", async () => {
    const path = join(temporaryFolder(), "nobody.sock");
    const error = await connect({ path }).catch((reason) => reason);
    expect(error).toMatchObject({ code: "ENOENT", address: path, syscall: "connect" });
    expect(error.message).toContain("is the server running?");
  });

  test.runIf(process.platform === "linux")("an abstract name leaves nothing behind", async () => {
    const name = `hawser-test-${process.pid}`;
    const opened = deferred<Connection>();
    const listener = closing(await listen(`unix:@${name}`, { open: opened.resolve }));
    expect(listener.address.address).toBe(`@${name}`);
    const peer = python(
      `s = socket.socket(socket.AF_UNIX); s.connect("\\0" + sys.argv[1]); say(s.recv(5).decode())`,
      name,
    );
    (await opened.promise).write("hello");
    expect(await peer.line()).toBe("hello");
    await listener.close();
    closing(await listen(`unix:@${name}`, { open() {} }));
  });
});
