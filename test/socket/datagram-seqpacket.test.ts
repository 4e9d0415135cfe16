// SOCK_SEQPACKET: messages over a connection, which ends (unix(7)). Linux only.

import { afterEach, describe, expect, test } from "vitest";
import { DatagramSocket } from "../../lib/socket/datagram-socket.ts";
import { ListenSocket } from "../../lib/socket/listen-socket.ts";
import { StreamSocket } from "../../lib/socket/stream-socket.ts";
import {
  closeAll,
  isLinux,
  openDescriptors,
  rejection,
  socketPath,
  thrown,
  tracked,
  until,
} from "./support.ts";

afterEach(closeAll);

function listening(backlog?: number): { listener: ListenSocket<"seqpacket">; path: string } {
  const path = socketPath();
  const listener = tracked(new ListenSocket({ family: "unix", type: "seqpacket" }));
  listener.bind({ path });
  listener.listen(backlog);
  return { listener, path };
}

function plain(): DatagramSocket {
  return tracked(new DatagramSocket({ family: "unix", type: "seqpacket" }));
}

async function connected(): Promise<{ client: DatagramSocket; server: DatagramSocket }> {
  const { listener, path } = listening();
  const client = plain();
  client.connect({ path });
  return { client, server: tracked(await listener.accept()) };
}

describe.runIf(isLinux)("seqpacket sockets (Linux)", () => {
  test("keep messages whole and in order, both ways", async () => {
    const { client, server } = await connected();
    expect(server).toBeInstanceOf(DatagramSocket);
    for (const text of ["one", "two", "three"]) await client.send(text);
    for (const text of ["one", "two", "three"]) {
      expect(await server.receive()).toMatchObject({
        data: Buffer.from(text),
        address: "",
        port: 0,
        family: "unix",
        truncated: false,
      });
    }
    await server.send("back");
    expect(String((await client.receive())?.data)).toBe("back");
  });

  test("an empty message is a message, and the peer's end is null, again and again (B36)", async () => {
    const { client, server } = await connected();
    for (const text of ["", "x", "", ""]) await client.send(text);
    await client.close();
    for (const text of ["", "x", "", ""]) {
      expect(String((await server.receive())?.data)).toBe(text);
    }
    expect(await server.receive()).toBeNull();
    expect(await server.receive()).toBeNull();
    expect(await rejection(server.send("too late"))).toMatchObject({ code: "EPIPE" });
  });

  test("who waits is told of the end, and an iteration ends", async () => {
    const { client, server } = await connected();
    const waiting = server.receive();
    await client.send("only");
    expect(String((await waiting)?.data)).toBe("only");
    const seen: string[] = [];
    const reading = (async () => {
      for await (const { data } of server) seen.push(String(data));
    })();
    await client.send("last");
    await client.close();
    await reading;
    expect(seen).toEqual(["last"]);
  });

  test("many messages of one call arrive apart, equal lengths too", async () => {
    const { client, server } = await connected();
    const texts = Array.from({ length: 200 }, (_, index) => `message ${index % 10}`);
    const sending = client.sendMany(texts);
    for (const text of texts) expect(String((await server.receive())?.data)).toBe(text);
    await sending;
  });

  test("a full queue is waited out, and nothing is lost", async () => {
    const { client, server } = await connected();
    let sent = 0;
    const sending = Array.from({ length: 3_000 }, (_, index) =>
      client.send(`${index}`.padEnd(1_000)).then(() => {
        sent++;
      }),
    );
    await until(() => sent > 0);
    expect(sent).toBeLessThan(3_000);
    for (let index = 0; index < 3_000; index++) {
      expect(Number((await server.receive())?.data)).toBe(index);
    }
    await Promise.all(sending);
  });

  test("a batch callback gets the messages, and `end` says that there are no more", async () => {
    const { listener, path } = listening();
    const got: string[] = [];
    let ends = 0;
    const client = tracked(
      new DatagramSocket({
        family: "unix",
        type: "seqpacket",
        batch(_, batch) {
          for (let index = 0; index < batch.length; index++) got.push(String(batch.view(index)));
        },
        end() {
          ends++;
        },
      }),
    );
    client.connect({ path });
    const server = tracked(await listener.accept());
    await server.sendMany(["a", "", "c"]);
    await server.close();
    await until(() => ends > 0);
    expect(got).toEqual(["a", "", "c"]);
    expect(ends).toBe(1);
  });

  test("unread messages at the peer's close are a reset, told once before the end", async () => {
    const { client, server } = await connected();
    await client.send("never read");
    await server.close();
    expect(await rejection(client.receive())).toMatchObject({ code: "ECONNRESET" });
    expect(await client.receive()).toBeNull();
  });

  test("a connection that waits in the kernel keeps what was sent meanwhile", async () => {
    const { listener, path } = listening();
    const client = plain();
    client.connect({ path });
    await client.send("early");
    const server = tracked(await listener.accept());
    expect(String((await server.receive())?.data)).toBe("early");
  });

  test("a full backlog is EAGAIN, and nobody there ECONNREFUSED or ENOENT", async () => {
    const { listener, path } = listening(0);
    plain().connect({ path });
    const refused = () => thrown(() => plain().connect({ path }));
    expect(refused()).toMatchObject({ code: "EAGAIN", syscall: "connect", address: path });
    await listener.close();
    expect(refused()).toMatchObject({ code: "ECONNREFUSED" });
    expect(thrown(() => plain().connect({ path: `${path}-other` })).code).toBe("ENOENT");
  });

  test("without a connection nothing goes, and one of another type is refused", async () => {
    const socket = plain();
    socket.bind({ path: socketPath() });
    expect(await rejection(socket.receive())).toMatchObject({ code: "ENOTCONN" });
    expect(await rejection(socket.send("x"))).toMatchObject({ code: "ENOTCONN" });
    const path = socketPath();
    const stream = tracked(new ListenSocket({ family: "unix" }));
    stream.bind({ path });
    stream.listen();
    expect(thrown(() => socket.connect({ path })).code).toBe("EPROTOTYPE");
  });

  test("adopts an end that somebody else has connected, and no listener as one", async () => {
    const { listener, path } = listening();
    const client = plain();
    client.connect({ path });
    const server = tracked(await listener.accept());
    const adopted = tracked(DatagramSocket.adopt(server.fd));
    await client.send("to either");
    expect(String((await adopted.receive())?.data)).toBe("to either");
    await client.close();
    expect(await adopted.receive()).toBeNull();
    const before = openDescriptors();
    expect(thrown(() => DatagramSocket.adopt(listener.fd)).code).toBe("EPROTOTYPE");
    expect(thrown(() => StreamSocket.adopt(adopted.fd)).code).toBe("EPROTOTYPE");
    expect(openDescriptors()).toBe(before);
    const taken = tracked(ListenSocket.adopt<"seqpacket">(listener.fd));
    const next = plain();
    next.connect({ path });
    await next.send("by the adopted");
    const accepted = tracked(await taken.accept());
    expect(String((await accepted.receive())?.data)).toBe("by the adopted");
  });
});

test.runIf(process.platform === "darwin")("is EPROTONOSUPPORT on macOS", () => {
  expect(thrown(() => plain()).code).toBe("EPROTONOSUPPORT");
});

test.each([
  [{ family: "IPv4", type: "seqpacket" }, /family "unix"/],
  [{ family: "unix", type: "stream" }, /options\.type/],
  [{ family: "unix", end: 1 }, /options\.end/],
])("refuses %j", (options, message) => {
  expect(() => new DatagramSocket(options as never)).toThrow(message);
});

test("a listener takes the types that there are", () => {
  expect(() => new ListenSocket({ family: "IPv4", type: "seqpacket" })).toThrow(/family "unix"/);
  expect(() => new ListenSocket({ family: "unix", type: "datagram" as never })).toThrow(
    /options\.type/,
  );
});
