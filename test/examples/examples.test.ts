// Every file of examples/ runs, against the built package as a user's program would, with a peer of
// Node's own. The README shows these files, word for word.

import { type ChildProcess, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import http from "node:http";
import net, { type AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import { afterEach, expect, it } from "vitest";
import { WebSocket as WsClient } from "ws";

const EXAMPLES = new URL("../../examples/", import.meta.url);
const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

interface Running {
  readonly child: ChildProcess;
  readonly line: () => Promise<string>;
}

function run(name: string, env: Record<string, string> = {}): Running {
  const child = spawn(process.execPath, ["--import", "tsx", name], {
    cwd: EXAMPLES,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  let complaint = "";
  child.stderr?.on("data", (text) => {
    complaint += text;
  });
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[
    Symbol.asyncIterator
  ]();
  const line = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${name} ended without another line: ${complaint}`);
    return value as string;
  };
  return { child, line };
}

async function serve(server: net.Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

async function echoes(name: string): Promise<Running> {
  const running = run(name);
  const port = Number(/^echo on (\d+)$/.exec(await running.line())?.[1]);
  const socket = net.connect(port, "127.0.0.1");
  socket.end("to and fro");
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  expect(Buffer.concat(chunks).toString()).toBe("to and fro");
  return running;
}

const tests: Record<string, () => Promise<void>> = {
  "echo-callbacks.ts": async () => void (await echoes("echo-callbacks.ts")),
  "echo-await.ts": async () => void (await echoes("echo-await.ts")),
  "graceful-stop.ts": async () => {
    const { child, line } = await echoes("graceful-stop.ts");
    child.kill("SIGTERM");
    expect(await line()).toBe("closed, 0 connections had to be aborted");
    expect(await once(child, "exit")).toEqual([0, null]);
  },
  "connect.ts": async () => {
    const server = net.createServer((socket) => socket.pipe(socket));
    const { child, line } = run("connect.ts", { PORT: String(await serve(server)) });
    expect(await line()).toBe("hello from 127.0.0.1");
    expect(await once(child, "exit")).toEqual([0, null]);
    server.close();
  },
  "refused.ts": async () => {
    const server = net.createServer();
    const port = await serve(server);
    server.close();
    const { line } = run("refused.ts", { PORT: String(port) });
    expect(await line()).toBe("connect ECONNREFUSED 127.0.0.1");
  },
  "tls-shared-key.ts": async () => {
    const { child, line } = run("tls-shared-key.ts");
    expect(await line()).toBe("21.5 degrees over TLSv1.3");
    expect(await once(child, "exit")).toEqual([0, null]);
  },
  "websocket-echo.ts": async () => {
    const { line } = run("websocket-echo.ts");
    const port = Number(/^echo on (\d+)$/.exec(await line())?.[1]);
    const socket = new WsClient(`ws://127.0.0.1:${port}`);
    await once(socket, "open");
    socket.send("to and fro");
    expect(String((await once(socket, "message"))[0])).toBe("to and fro");
    socket.close();
    await once(socket, "close");
  },
  "refused-upgrade.ts": async () => {
    const server = http.createServer().on("upgrade", (_, socket) => {
      socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 12\r\n\r\nnot for you.");
    });
    const { line } = run("refused-upgrade.ts", { PORT: String(await serve(server)) });
    expect(await line()).toBe("upgrade 403 not for you.");
    server.close();
  },
  "udp-both-ways.ts": async () => {
    const peer = createSocket("udp4").bind(0, "127.0.0.1");
    await once(peer, "listening");
    const { line } = run("udp-both-ways.ts", { PORT: String(peer.address().port) });
    const [asked, from] = await once(peer, "message");
    const port = Number(/^echo on (\d+)$/.exec(await line())?.[1]);
    expect([String(asked), from.port]).toEqual(["ping", port]);
    peer.send("from outside", port, "127.0.0.1");
    expect(String((await once(peer, "message"))[0])).toBe("from outside");
    peer.close();
  },
  "tune.ts": async () => {
    const server = http.createServer((_, response) => response.end("ok"));
    const { line } = run("tune.ts", { PORT: String(await serve(server)) });
    expect(await line()).toBe("dead after three silent probes: 3");
    server.close();
  },
};

for (const [name, test] of Object.entries(tests)) it(`examples/${name} runs`, test);

it("every example has a test", () => {
  expect(
    readdirSync(EXAMPLES)
      .filter((name) => name.endsWith(".ts"))
      .sort(),
  ).toEqual(Object.keys(tests).sort());
});

it("every program in the README is an example", () => {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  const programs = [...readme.matchAll(/^```(?:ts|js)\n([\s\S]*?)^```/gm)].map(([, code]) => code);
  expect(programs.length).toBeGreaterThan(0);
  const examples = Object.keys(tests).map((name) => readFileSync(new URL(name, EXAMPLES), "utf8"));
  for (const program of programs) expect(examples).toContain(program);
});
