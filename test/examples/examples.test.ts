// Every file of examples/ runs, against the built package as a user's program would, with a peer of
// Node's own. The README shows these files, word for word.

import { type ChildProcess, spawn } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import http from "node:http";
import net, { type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import tls from "node:tls";
import { afterEach, expect, it } from "vitest";
import { WebSocket as WsClient } from "ws";
import { hasOpenssl, makeCertificates } from "../adapters/certificates.ts";
import { foreignEnvironment, nodeArguments } from "../support/environment.ts";

const EXAMPLES = new URL("../../examples/", import.meta.url);
const MAX_LINES = 16;
const README_LINES = 8;
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

/** Runs an example to its end: what it prints, line by line. */
async function prints(
  name: string,
  lines: readonly string[],
  env: Record<string, string> = {},
): Promise<void> {
  const { child, line } = run(name, env);
  const exited = once(child, "exit");
  for (const expected of lines) expect(await line()).toBe(expected);
  expect(await exited).toEqual([0, null]);
  await expect(line()).rejects.toThrow("ended without another line");
}

/** The same with the port of a server, which is closed afterwards. */
async function printsBeside(
  server: net.Server,
  name: string,
  lines: readonly string[],
  env: Record<string, string> = {},
): Promise<void> {
  const port = await serve(server);
  await prints(name, lines, { PORT: String(port), ...env });
  server.close();
}

const echoServer = () => net.createServer((socket) => socket.pipe(socket));

const tests: Record<string, () => Promise<void>> = {
  "echo-callbacks.ts": async () => void (await echoes("echo-callbacks.ts")),
  "echo-await.ts": async () => void (await echoes("echo-await.ts")),
  "framed-messages.ts": () => prints("framed-messages.ts", ["first", "second"]),
  "half-close.ts": () => prints("half-close.ts", ["26 bytes null"]),
  "idle-timeout.ts": () => prints("idle-timeout.ts", ["ETIMEDOUT IDLE_TIMEOUT"]),
  "credits.ts": () => prints("credits.ts", ["connection 1, 1 open", "connection 2, 1 open"]),
  "start-tls.ts": () => prints("start-tls.ts", ["in private over TLSv1.3"]),
  "node-stream.ts": () => prints("node-stream.ts", ["as a net.Socket would"]),
  "paths.ts": () => prints("paths.ts", ["loopback", process.platform === "darwin" ? "lo0" : "lo"]),
  "multicast.ts": () => prints("multicast.ts", ["is anybody there?"]),
  "reports.ts": () =>
    printsBeside(echoServer(), "reports.ts", ["resolve connect", "true", "5 5", "5 5 0"]),
  "create-socket.ts": () => printsBeside(echoServer(), "create-socket.ts", ["SELECT 1", "false"]),
  "pause.ts": () => prints("pause.ts", ["sent", "after a while"]),
  "options.ts": () => printsBeside(echoServer(), "options.ts", ["127.0.0.1 false"]),
  "max-connections.ts": () => prints("max-connections.ts", ["1 open", "1 open"]),
  "web-streams.ts": () => printsBeside(echoServer(), "web-streams.ts", ["to and fro"]),
  "states.ts": () =>
    printsBeside(echoServer(), "states.ts", [
      "setup",
      "preparing ",
      "ready ",
      "closing ",
      "closed ",
    ]),
  "network-changes.ts": () =>
    printsBeside(echoServer(), "network-changes.ts", [
      "preparing",
      "ready",
      "true satisfied loopback",
      "closing",
      "closed",
    ]),
  "failure.ts": () => {
    const server = net.createServer((socket) => {
      socket.once("data", () => socket.resetAndDestroy());
    });
    return printsBeside(server, "failure.ts", ["ECONNRESET peer 14"]);
  },
  "unix-socket.ts": async () => {
    const folder = mkdtempSync(join(tmpdir(), "example-"));
    await prints("unix-socket.ts", ["over a path by unix"], { SOCKET: join(folder, "socket") });
    rmSync(folder, { recursive: true });
  },
  "proxy.ts": async () => {
    const server = echoServer();
    const { child, line } = run("proxy.ts", { PORT: String(await serve(server)) });
    const port = Number(/^echo on (\d+)$/.exec(await line())?.[1]);
    const socket = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    const sent = "through and back".repeat(100_000);
    socket.end(sent);
    expect((await text(socket)) === sent).toBe(true);
    child.kill();
    server.close();
  },
  "back-pressure.ts": async () => {
    let read = 0;
    const server = net.createServer((socket) => {
      socket.on("data", (bytes: Buffer) => {
        read += bytes.length;
      });
    });
    await printsBeside(server, "back-pressure.ts", ["50003968"]);
    expect(read).toBe(50_003_968);
  },
  "http-server.ts": async () => {
    const { child, line } = run("http-server.ts");
    const port = Number(/^http on (\d+)$/.exec(await line())?.[1]);
    const answer = await fetch(`http://127.0.0.1:${port}/path`);
    expect(await answer.text()).toBe("GET /path from 127.0.0.1\n");
    child.kill("SIGTERM");
    expect(await once(child, "exit")).toEqual([0, null]);
  },
  "http-agent.ts": async () => {
    const server = http.createServer((_, response) => response.end("ok"));
    await printsBeside(server, "http-agent.ts", ["200 ok"]);
  },
  "tls-pinned.ts": async () => {
    const certificates = makeCertificates();
    const server = tls.createServer(certificates.stranger, (socket) => socket.resume());
    const { raw } = new X509Certificate(certificates.stranger.cert);
    const FINGERPRINT = createHash("sha256").update(raw).digest("hex");
    await printsBeside(server, "tls-pinned.ts", ["TLSv1.3 false"], { FINGERPRINT });
    certificates.remove();
  },
  "graceful-stop.ts": async () => {
    const { child, line } = await echoes("graceful-stop.ts");
    child.kill("SIGTERM");
    expect(await line()).toBe("closed, 0 connections had to be aborted");
    expect(await once(child, "exit")).toEqual([0, null]);
  },
  "passed-socket.ts": async () => {
    const { child, line } = await echoes("passed-socket.ts");
    child.kill("SIGTERM");
    expect(await line()).toBe("whoever was there has been served");
    const server = net.createServer();
    const port = await serve(server);
    const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
    const node = [process.execPath, "--import", "tsx", "passed-socket.ts"];
    const activation = 'export LISTEN_FDS=1 LISTEN_PID=$$; exec "$@"';
    const service = spawn("sh", ["-c", activation, "sh", "env", ...nodeArguments(), ...node], {
      cwd: EXAMPLES,
      env: foreignEnvironment(),
      stdio: ["ignore", "pipe", "inherit", fd],
    });
    children.push(service);
    server.close();
    const [said] = await once(service.stdout as NodeJS.ReadableStream, "data");
    expect(String(said)).toBe(`echo on ${port}\n`);
    const socket = net.connect(port, "127.0.0.1");
    socket.end("passed on");
    expect(await text(socket)).toBe("passed on");
    service.kill("SIGTERM");
    expect((await once(service, "exit"))[0]).toBe(0);
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
  "udp-client.ts": async () => {
    const peer = createSocket("udp4").bind(0, "127.0.0.1");
    await once(peer, "listening");
    peer.on("message", (_, { port, address }) => peer.send("pong", port, address));
    await prints("udp-client.ts", ["pong true"], { PORT: String(peer.address().port) });
    peer.close();
  },
  "tune.ts": async () => {
    const server = http.createServer((_, response) => response.end("ok"));
    const { line } = run("tune.ts", { PORT: String(await serve(server)) });
    expect(await line()).toBe("dead after three silent probes: 3");
    server.close();
  },
};

const needsOpenssl = (name: string) => name === "tls-pinned.ts" && !hasOpenssl;

for (const [name, test] of Object.entries(tests)) {
  const isSkipped = needsOpenssl(name);
  const title = `examples/${name} runs${isSkipped ? " (skipped: needs openssl)" : ""}`;
  it.skipIf(isSkipped)(title, test);
}

it("every example has a test", () => {
  expect(
    readdirSync(EXAMPLES)
      .filter((name) => name.endsWith(".ts"))
      .sort(),
  ).toEqual(Object.keys(tests).sort());
});

it("an example is short enough to be read at a glance", () => {
  for (const name of Object.keys(tests)) {
    const lines = readFileSync(new URL(name, EXAMPLES), "utf8").trimEnd().split("\n");
    expect([name, lines.length <= MAX_LINES]).toEqual([name, true]);
  }
});

it("every program in the README is an example", () => {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  const programs = [...readme.matchAll(/^```(?:ts|js)\n([\s\S]*?)^```/gm)].map(([, code]) => code);
  expect(programs.length).toBeGreaterThan(0);
  const examples = Object.keys(tests).map((name) => readFileSync(new URL(name, EXAMPLES), "utf8"));
  for (const program of programs) {
    expect(examples).toContain(program);
    expect(program?.trimEnd().split("\n").length).toBeLessThanOrEqual(README_LINES);
  }
});
