// Stream sockets as owners of descriptors: duplicates, handing out, taking over, options,
// credentials.

import { once } from "node:events";
import { closeSync } from "node:fs";
import { createServer, connect as netConnect, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { DatagramSocket } from "../../lib/socket/datagram-socket.ts";
import { StreamSocket } from "../../lib/socket/stream-socket.ts";
import {
  closeAll,
  connected,
  isOpen,
  listening,
  openDescriptors,
  openFile,
  pair,
  thrown,
  tracked,
} from "./support.ts";

afterEach(closeAll);

describe("descriptors", () => {
  test("dup gives one more of the same socket, which outlives this one", async () => {
    const [left, right] = pair();
    const copy = left.dup();
    await left.close();
    const adopted = tracked(StreamSocket.adopt(copy));
    closeSync(copy);
    await right.send("over the copy");
    expect(String(await adopted.receive())).toBe("over the copy");
  });

  test("release hands the descriptor out and leaves the socket closed", async () => {
    const [left, right] = pair();
    const before = openDescriptors();
    const fd = left.release();
    expect(openDescriptors()).toBe(before);
    expect(left.fd).toBe(-1);
    await left.close();
    expect(isOpen(fd)).toBe(true);
    const adopted = tracked(StreamSocket.adopt(fd));
    closeSync(fd);
    await adopted.send("hello");
    expect(String(await right.receive())).toBe("hello");
  });

  test("release loses no FIN that was asked for before", async () => {
    const { client, server } = await connected("IPv4");
    client.shutdown("write");
    const fd = client.release();
    expect(await server.receive()).toBeNull();
    expect(isOpen(fd)).toBe(true);
    closeSync(fd);
  });

  test("release refuses to lose bytes", async () => {
    const { client, server } = await connected("IPv4");
    await client.send("abc");
    await server.receive({ max: 1 });
    expect(thrown(() => server.release())).toMatchObject({ code: "ERR_INVALID_STATE" });
    expect(String(await server.receive())).toBe("bc");
    const descriptor = server.release();
    expect(isOpen(descriptor)).toBe(true);
    closeSync(descriptor);
  });

  test("adopts a duplicate of a connected one, as of node:net", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    const nodeClient = netConnect(port, "127.0.0.1");
    const [nodeSocket] = (await once(server, "connection")) as [Socket];
    const { fd } = (nodeSocket as unknown as { _handle: { fd: number } })._handle;
    const socket = tracked(StreamSocket.adopt(fd));
    expect(socket.family).toBe("IPv4");
    expect(socket.remoteAddress?.port).toBe((nodeClient.address() as { port: number }).port);
    await socket.send("from hawser");
    expect(String((await once(nodeClient, "data"))[0])).toBe("from hawser");
    nodeClient.destroy();
    nodeSocket.destroy();
    server.close();
    await once(server, "close");
  });

  test("adopts only what is a connected stream socket", async () => {
    const { listener } = listening("IPv4");
    const datagrams = tracked(new DatagramSocket({ family: "IPv4" }));
    const fresh = tracked(new StreamSocket({ family: "IPv4" }));
    const before = openDescriptors();
    const refused = (fd: number) => thrown(() => StreamSocket.adopt(fd)).code;
    expect(refused(listener.fd)).toBe("EPROTOTYPE");
    expect(refused(datagrams.fd)).toBe("EPROTOTYPE");
    expect(refused(fresh.fd)).toBe("ENOTCONN");
    expect(refused(1_000_000)).toBe("EBADF");
    expect(refused(-1)).toBe("ERR_OUT_OF_RANGE");
    expect(refused("3" as never)).toBe("ERR_INVALID_ARG_TYPE");
    expect(openDescriptors()).toBe(before);
    expect(refused(openFile())).toBe("ENOTSOCK");
  });

  test("knows who made the other end", () => {
    const [left] = pair();
    const { pid, uid } = left.peerCredentials();
    expect(pid).toBe(process.pid);
    expect(uid).toBe(process.getuid?.());
  });

  test("has credentials for Unix sockets only, and TCP_INFO for TCP only", async () => {
    const { client } = await connected("IPv4");
    expect(thrown(() => client.peerCredentials())).toMatchObject({ code: "ENOTSUP" });
    expect(client.info()?.state).toBe("ESTABLISHED");
    const [left] = pair();
    expect(left.info()).toBeNull();
    const fresh = tracked(new StreamSocket({ family: "unix" }));
    expect(thrown(() => fresh.peerCredentials())).toMatchObject({ code: "ENOTCONN" });
  });
});

describe("making one", () => {
  test("sets its options before anything else", () => {
    const socket = tracked(
      new StreamSocket({
        family: "IPv4",
        socketOptions: { SO_REUSEADDR: true, TCP_NODELAY: true },
      }),
    );
    expect(socket.getOption("SO_REUSEADDR")).toBe(true);
    expect(socket.getOption("TCP_NODELAY")).toBe(true);
    socket.setOption("TCP_NODELAY", false);
    expect(socket.getOption("TCP_NODELAY")).toBe(false);
  });

  test("leaves nothing open where an option is refused", () => {
    const before = openDescriptors();
    const socketOptions = { SO_RCVBUF: 70_000, TCP_MAXSEG: 1 };
    expect(thrown(() => new StreamSocket({ family: "IPv4", socketOptions }))).toMatchObject({
      code: "EINVAL",
      syscall: "setsockopt",
    });
    expect(openDescriptors()).toBe(before);
  });

  test.each([
    [undefined, /options/],
    [{}, /options.family/],
    [{ family: "ipv4" }, /options.family/],
    [{ family: "IPv4", familiy: 1 }, /did you mean "family"/],
    [{ family: "IPv4", socketOptions: { SO_REUSEADR: 1 } }, /SO_REUSEADDR/],
  ])("refuses %j", (options, message) => {
    expect(() => new StreamSocket(options as never)).toThrow(message);
  });
});
