// sendMany and sendToMany between Unix datagram sockets.

import { afterEach, describe, expect, test } from "vitest";
import { DatagramSocket } from "../../lib/socket/datagram-socket.ts";
import { boundDatagrams, closeAll, rejection, socketPath, tracked, until } from "./support.ts";

afterEach(closeAll);

function bound(): { socket: DatagramSocket; path: string } {
  const socket = tracked(new DatagramSocket({ family: "unix" }));
  const path = socketPath();
  socket.bind({ path });
  return { socket, path };
}

async function texts(socket: DatagramSocket, count: number): Promise<string[]> {
  const got: string[] = [];
  while (got.length < count) got.push(String((await socket.receive())?.data));
  return got;
}

describe("many datagrams to paths", () => {
  test("arrive whole and in order, from one socket to several", async () => {
    const [one, other] = [bound(), bound()];
    const sender = bound();
    await sender.socket.sendMany([
      { data: "a", to: { path: one.path } },
      { data: "", to: { path: one.path } },
      { data: "b", to: { path: other.path } },
      { data: Buffer.from("c"), to: { path: one.path } },
    ]);
    expect(await texts(one.socket, 3)).toEqual(["a", "", "c"]);
    expect(await other.socket.receive()).toMatchObject({ address: sender.path });
  });

  test("one payload to many", async () => {
    const all = [bound(), bound(), bound()];
    const sender = tracked(new DatagramSocket({ family: "unix" }));
    await sender.sendToMany(
      "to all",
      all.map(({ path }) => ({ path })),
    );
    for (const { socket } of all) expect(await texts(socket, 1)).toEqual(["to all"]);
  });

  test("`segmentSize` cuts, connected or not", async () => {
    const { socket, path } = bound();
    const sender = tracked(new DatagramSocket({ family: "unix" }));
    await sender.sendMany([{ data: "aabbc", segmentSize: 2, to: { path } }]);
    expect(await texts(socket, 3)).toEqual(["aa", "bb", "c"]);
    sender.connect({ path });
    await sender.sendMany([{ data: "ddeef", segmentSize: 2 }]);
    expect(await texts(socket, 3)).toEqual(["dd", "ee", "f"]);
  });

  test("wait out a full queue, and lose nothing", async () => {
    for (const isConnected of [false, true]) {
      const { socket, path } = bound();
      const sender = tracked(new DatagramSocket({ family: "unix" }));
      if (isConnected) sender.connect({ path });
      const to = isConnected ? undefined : { path };
      const wanted = Array.from({ length: 500 }, (_, index) => `${index}`);
      let isSent = false;
      const sending = sender
        .sendMany(wanted.map((data) => (to === undefined ? data : { data, to })))
        .then(() => {
          isSent = true;
        });
      await until(() => true);
      expect(isSent).toBe(false);
      expect(await texts(socket, 500)).toEqual(wanted);
      await sending;
    }
  });

  test("the first error is told after all the others were sent", async () => {
    const { socket, path } = bound();
    const sender = tracked(new DatagramSocket({ family: "unix" }));
    const nowhere = `${path}-nobody`;
    const sent = sender.sendMany([
      { data: "before", to: { path } },
      { data: "void", to: { path: nowhere } },
      { data: "after", to: { path } },
    ]);
    expect(await rejection(sent)).toMatchObject({ code: "ENOENT", address: nowhere });
    expect(await texts(socket, 2)).toEqual(["before", "after"]);
  });

  test("a peer where there is one already, none where there is none, and closed", async () => {
    const { socket, path } = bound();
    const sender = tracked(new DatagramSocket({ family: "unix" }));
    expect(await rejection(sender.sendMany(["x"]))).toMatchObject({ code: "EDESTADDRREQ" });
    const mixed = sender.sendMany([{ data: "x", to: { path } }, "y"]);
    expect(await rejection(mixed)).toMatchObject({ code: "EDESTADDRREQ" });
    sender.connect({ path });
    const twice = sender.sendMany([{ data: "x", to: { path } }]);
    expect(await rejection(twice)).toMatchObject({ code: "EISCONN" });
    await sender.sendMany(["alone"]);
    expect(await texts(socket, 1)).toEqual(["alone"]);
    await sender.close();
    expect(await rejection(sender.sendToMany("x", [{ path }]))).toMatchObject({ code: "EPIPE" });
  });

  test("addresses of another family are refused before anything is sent", () => {
    const sender = tracked(new DatagramSocket({ family: "unix" }));
    const udp = boundDatagrams().socket;
    expect(() => sender.sendMany([{ data: "x", to: { address: "127.0.0.1", port: 1 } }])).toThrow(
      /must be a path/,
    );
    expect(() => udp.sendMany([{ data: "x", to: { path: "/x" } }])).toThrow(/Internet address/);
    expect(() => udp.sendToMany("x", [{ path: "/x" }])).toThrow(/Internet address/);
  });
});
