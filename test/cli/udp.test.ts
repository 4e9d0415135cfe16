// The built command over UDP, against a peer of Node's own and against itself.

import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { isAboutUdp } from "../../lib/cli/udp.ts";
import { DatagramSocket } from "../../lib/socket/datagram-socket.ts";
import { cleanUpAfterEach, cleanUps, hawser } from "./support.ts";

cleanUpAfterEach();

const LISTENING = /udp:\/\/127\.0\.0\.1:(\d+)/;

/** A peer, which is closed afterwards. */
function newPeer(): Socket {
  const socket = createSocket("udp4");
  cleanUps.push(() => socket.close());
  return socket;
}

async function echoSocket(): Promise<number> {
  const socket = newPeer();
  socket.on("message", (message, { port, address }) => socket.send(message, port, address));
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket.address().port;
}

describe("hawser connect udp:", () => {
  test("each line is a datagram, and what comes back is printed", async () => {
    const port = await echoSocket();
    const flags = ["--ttl", "3", "--idle-timeout", "1s"];
    const run = hawser("connect", `udp://127.0.0.1:${port}`, ...flags);
    run.child.stdin.end("one\ntwo\n");
    expect(await run.ended()).toBe(0);
    expect(run.out).toBe("one\ntwo\n");
  });

  test("nobody there: one line on standard error, and status 1", async () => {
    const socket = createSocket("udp4");
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    const { port } = socket.address();
    socket.close();
    const run = hawser("connect", `udp://127.0.0.1:${port}`);
    run.child.stdin.write("x\n");
    expect(await run.ended()).toBe(1);
    expect(run.err).toMatch(/^hawser: [^\n]*ECONNREFUSED[^\n]*\n$/);
  });

  test("wrong usage has status 2", async () => {
    for (const args of [
      ["--ttl", "300"],
      ["--ttl", "no"],
      ["--family", "5"],
      // What would do nothing.
      ["--echo"],
      ["--multicast-interface", "lo"],
    ]) {
      const run = hawser("connect", "udp://127.0.0.1:9", ...args);
      expect(await run.ended()).toBe(2);
    }
  });
});

describe("hawser listen udp:", () => {
  test("wrong usage has status 2, and says so", async () => {
    const group = "udp://239.76.9.9:0";
    for (const [url, args, what] of [
      ["udp://127.0.0.1:0", ["--idle-timeout", "1s"], "connect"],
      ["udp://127.0.0.1:0", ["--local-port", "5"], "connect"],
      ["udp://127.0.0.1:0", ["--multicast-interface", "lo"], "group"],
      [group, ["--echo"], "group"],
      [group, ["--ttl", "256"], "--ttl"],
    ] as const) {
      const run = hawser("listen", url, ...args);
      expect(await run.ended()).toBe(2);
      expect(run.err).toContain(what);
    }
  });

  test.runIf(process.platform === "linux")(
    "--ttl holds for both families of a socket on any address (Linux)",
    async () => {
      const run = hawser("listen", "udp://[::]:0", "--echo", "--ttl", "7");
      const [, port] = await run.says("err", /udp:\/\/\[::\]:(\d+)/);
      for (const [family, address, option] of [
        ["IPv4", "127.0.0.1", "IP_RECVTTL"],
        ["IPv6", "::1", "IPV6_RECVHOPLIMIT"],
      ] as const) {
        let hops: (limit: number | null) => void = () => {};
        const heard = new Promise<number | null>((resolve) => {
          hops = resolve;
        });
        const peer = new DatagramSocket({
          family,
          socketOptions: { [option]: true },
          batch: (_, batch) => hops(batch.hopLimit(0)),
        });
        await peer.send("x", { address, port: Number(port) });
        expect(await heard).toBe(7);
        await peer.close();
      }
    },
  );

  test("prints what arrives, and sends its input to whom it heard last", async () => {
    const run = hawser("listen", "udp://127.0.0.1:0");
    const [, port] = await run.says("err", LISTENING);
    const peer = newPeer();
    peer.send("hello\n", Number(port), "127.0.0.1");
    await run.says("out", /hello/);
    run.child.stdin.write("answer\n");
    const [message] = await once(peer, "message");
    expect(String(message)).toBe("answer\n");
    run.child.kill("SIGTERM");
    expect(await run.ended()).toBe(0);
  });

  test("a line that no datagram takes is told, and the next one is sent", async () => {
    const run = hawser("listen", "udp://127.0.0.1:0");
    const [, port] = await run.says("err", LISTENING);
    const peer = newPeer();
    peer.send("hello\n", Number(port), "127.0.0.1");
    await run.says("out", /hello/);
    run.child.stdin.write(`${"x".repeat(70_000)}\nshort\n`);
    const [message] = await once(peer, "message");
    expect(String(message)).toBe("short\n");
    await run.says("err", /\nhawser: [^\n]*EMSGSIZE[^\n]*\n$/);
  });

  test("--echo sends everything back", async () => {
    const run = hawser("listen", "udp://127.0.0.1:0", "--echo");
    const [, port] = await run.says("err", LISTENING);
    const peer = newPeer();
    peer.send("there and back", Number(port), "127.0.0.1");
    const [message] = await once(peer, "message");
    expect(String(message)).toBe("there and back");
  });
});

test("the scheme says whether a command line is about UDP", () => {
  expect(isAboutUdp(["--echo", "udp://[::]:9"])).toBe(true);
  expect(isAboutUdp(["tcp://udp:9"])).toBe(false);
});
