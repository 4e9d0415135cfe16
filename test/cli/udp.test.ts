// The built command over UDP, against a peer of Node's own and against itself.

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { afterEach, describe, expect, test } from "vitest";
import { isAboutUdp } from "../../lib/cli/udp.ts";

const MAIN = new URL("../../dist/cli.js", import.meta.url).pathname;
const children: ChildProcessWithoutNullStreams[] = [];
const sockets: Socket[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  for (const socket of sockets.splice(0)) socket.close();
});

function hawser(...args: string[]): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, [MAIN, ...args]);
  children.push(child);
  return child;
}

async function said(stream: NodeJS.ReadableStream, pattern: RegExp): Promise<RegExpExecArray> {
  let text = "";
  for (;;) {
    const [chunk] = await once(stream, "data");
    text += chunk;
    const match = pattern.exec(text);
    if (match !== null) return match;
  }
}

async function echoSocket(): Promise<number> {
  const socket = createSocket("udp4");
  sockets.push(socket);
  socket.on("message", (message, { port, address }) => socket.send(message, port, address));
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket.address().port;
}

describe("hawser connect udp:", () => {
  test("each line is a datagram, and what comes back is printed", async () => {
    const port = await echoSocket();
    const child = hawser(
      "connect",
      `udp://127.0.0.1:${port}`,
      "--ttl",
      "3",
      "--idle-timeout",
      "1s",
    );
    let out = "";
    child.stdout.on("data", (text) => {
      out += text;
    });
    child.stdin.end("one\ntwo\n");
    const [code] = await once(child, "close");
    expect(code).toBe(0);
    expect(out).toBe("one\ntwo\n");
  });

  test("nobody there: one line on standard error, and status 1", async () => {
    const socket = createSocket("udp4");
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    const { port } = socket.address();
    socket.close();
    const child = hawser("connect", `udp://127.0.0.1:${port}`);
    child.stdin.write("x\n");
    const [line] = await said(child.stderr, /.*\n/);
    expect(line).toMatch(/^hawser: .*ECONNREFUSED/);
    const [code] = await once(child, "close");
    expect(code).toBe(1);
  });

  test("wrong usage has status 2", async () => {
    for (const args of [
      ["--ttl", "300"],
      ["--ttl", "no"],
      ["--family", "5"],
    ]) {
      const child = hawser("connect", "udp://127.0.0.1:9", ...args);
      const [code] = await once(child, "close");
      expect(code).toBe(2);
    }
  });
});

describe("hawser listen udp:", () => {
  test("prints what arrives, and sends its input to whom it heard last", async () => {
    const child = hawser("listen", "udp://127.0.0.1:0");
    const [, port] = await said(child.stderr, /udp:\/\/127\.0\.0\.1:(\d+)/);
    const peer = createSocket("udp4");
    sockets.push(peer);
    peer.send("hello\n", Number(port), "127.0.0.1");
    await said(child.stdout, /hello/);
    child.stdin.write("answer\n");
    const [message] = await once(peer, "message");
    expect(String(message)).toBe("answer\n");
    child.kill("SIGTERM");
    const [code] = await once(child, "close");
    expect(code).toBe(0);
  });

  test("--echo sends everything back", async () => {
    const child = hawser("listen", "udp://127.0.0.1:0", "--echo");
    const [, port] = await said(child.stderr, /udp:\/\/127\.0\.0\.1:(\d+)/);
    const peer = createSocket("udp4");
    sockets.push(peer);
    peer.send("there and back", Number(port), "127.0.0.1");
    const [message] = await once(peer, "message");
    expect(String(message)).toBe("there and back");
  });
});

test("the scheme says whether a command line is about UDP", () => {
  expect(isAboutUdp(["--echo", "udp://[::]:9"])).toBe(true);
  expect(isAboutUdp(["tcp://udp:9"])).toBe(false);
});
