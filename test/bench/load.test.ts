// The C programs themselves: that the generator measures an honest server and refuses others.
import { createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { compile } from "../../bench/harness/compile.ts";
import { doubts, type LoadResult, runLoad } from "../../bench/harness/load.ts";
import {
  LineProcess,
  type RunningSubject,
  startSubject,
  UnavailableError,
} from "../../bench/harness/processes.ts";

const WINDOW = { duration: 100, warmup: 20, connections: 8 };
let load = "";
let echo = "";
const opened: { stop(): unknown }[] = [];

beforeAll(async () => {
  [load, echo] = await Promise.all([compile("load"), compile("tcp_echo_epoll")]);
}, 120_000);

afterEach(async () => {
  for (const each of opened.splice(0)) await each.stop();
});

async function startEcho(): Promise<RunningSubject> {
  const subject = await startSubject({ file: echo, args: [] }, null);
  opened.push(subject.process);
  return subject;
}

/** A server in this process that answers as the test says. */
async function serve(answer: (socket: Socket, chunk: Buffer) => void): Promise<RunningSubject> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (chunk) => answer(socket, chunk));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  opened.push({
    stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  // Only port and pid are used by the generator.
  return { port: address.port, pid: process.pid, version: "test" } as RunningSubject;
}

describe("the generator against the C echo server", () => {
  test.each([
    { size: 1, depth: 1 },
    { size: 20, depth: 16 },
    { size: 16_384, depth: 1 },
    { size: 1_000_003, depth: 4 },
  ])("counts whole messages of $size bytes, $depth in flight", async (parameters) => {
    const result = await runLoad(load, { ...WINDOW, ...parameters }, await startEcho(), null);
    expect(result.messages).toBeGreaterThan(0);
    expect(result.seconds).toBeGreaterThanOrEqual(0.1);
    expect(result.serverCpuNs).toBeGreaterThan(0);
    expect(result.generatorCpuNs).toBeGreaterThan(0);
  });

  test("stops after a number of messages where one is given", async () => {
    const result = await runLoad(load, { ...WINDOW, messages: 5_000 }, await startEcho(), null);
    expect(result.messages).toBeGreaterThanOrEqual(5_000);
    expect(result.messages).toBeLessThan(5_000 + 1_000);
  });

  test("open loop keeps its rate and gives ordered percentiles", async () => {
    const parameters = { ...WINDOW, rate: 2_000, duration: 200 };
    const { messages, latency } = await runLoad(load, parameters, await startEcho(), null);
    expect(messages).toBeGreaterThan(200);
    expect(messages).toBeLessThan(600);
    if (latency === null) throw new Error("no latency");
    expect(latency.p50).toBeLessThanOrEqual(latency.p99);
    expect(latency.p99).toBeLessThanOrEqual(latency.p999);
    expect(latency.p999).toBeLessThanOrEqual(latency.max);
    const values = latency.curve.map(([, value]) => value);
    expect([...values].sort((left, right) => left - right)).toEqual(values);
  });
});

describe("coordinated omission", () => {
  test("a server that stops for 100 ms pays for every message that was due meanwhile", async () => {
    let stopped: Promise<void> | null = null;
    let count = 0;
    const subject = await serve((socket, chunk) => {
      count += chunk.length / 20;
      if (count > 100 && stopped === null) {
        stopped = new Promise((resolve) => setTimeout(resolve, 100));
      }
      if (stopped === null) socket.write(chunk);
      else void stopped.then(() => socket.write(chunk));
    });
    const parameters = { connections: 1, rate: 1_000, duration: 400, warmup: 0 };
    const { latency } = await runLoad(load, parameters, subject, null);
    // A hundred of four hundred messages waited, the first 100 ms and the last hardly: a quarter
    // waited at all, a closed loop would have seen one.
    const waited = latency?.curve.find(([quantile]) => quantile === 0.9)?.[1] ?? 0;
    expect(waited).toBeGreaterThan(30e6);
    expect(latency?.max).toBeGreaterThan(90e6);
  });
});

describe("the generator refuses", () => {
  test("a payload that came back changed", async () => {
    let seen = 0;
    const subject = await serve((socket, chunk) => {
      seen += chunk.length;
      if (seen > 2_000) chunk[0] = (chunk[0] as number) ^ 1;
      socket.write(chunk);
    });
    await expect(runLoad(load, WINDOW, subject, null)).rejects.toThrow("came back changed");
  });

  test("more bytes than it sent", async () => {
    const subject = await serve((socket, chunk) => {
      socket.write(Buffer.concat([chunk, chunk]));
    });
    await expect(runLoad(load, WINDOW, subject, null)).rejects.toThrow(
      /more came back|came back changed/,
    );
  });

  test("a server that closes", async () => {
    const subject = await serve((socket) => socket.end());
    await expect(runLoad(load, WINDOW, subject, null)).rejects.toThrow("closed a connection");
  });

  test("a port where nobody listens", async () => {
    const subject = await serve(() => {});
    for (const each of opened.splice(0)) await each.stop();
    await expect(runLoad(load, WINDOW, subject, null)).rejects.toThrow(/connect|refused/i);
  });

  test.each([
    ["--size", "0"],
    ["--size", "x"],
    ["--connections", "0"],
    ["--protocol", "quic"],
  ])("%s %s", async (name, value) => {
    const generator = new LineProcess({ file: load, args: ["--port", "1", name, value] }, null);
    expect(await generator.next(5_000)).toBeNull();
    expect(generator.stderr).toContain(name);
  });
});

describe("the C echo server", () => {
  test("keeps what a slow reader has not taken, and answers the bytes before a FIN", async () => {
    const { port } = await startEcho();
    const { connect } = await import("node:net");
    const payload = Buffer.alloc(8 << 20, "hawser!");
    const received = await new Promise<Buffer>((resolve, reject) => {
      const chunks: Buffer[] = [];
      const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true }, () => {
        socket.pause();
        socket.end(payload);
        socket.resume();
      });
      socket.on("data", (chunk) => chunks.push(chunk));
      socket.on("end", () => resolve(Buffer.concat(chunks)));
      socket.on("error", reject);
    });
    expect(received.equals(payload)).toBe(true);
  });

  test("tells its CPU time, and ends with its input", async () => {
    const subject = await startEcho();
    const usage = await subject.process.ask("usage");
    expect(usage).toMatchObject({ user: expect.any(Number), system: expect.any(Number) });
    const closed = new Promise((resolve) => subject.process.child.once("close", resolve));
    subject.process.child.stdin?.end();
    expect(await closed).toBe(0);
  });
});

describe("starting a subject", () => {
  const node = (script: string) => ({ file: process.execPath, args: ["-e", script] });

  test("that says it is unavailable gives its reason", async () => {
    const start = startSubject(node(`console.log('{"unavailable":"no addon"}')`), null);
    await expect(start).rejects.toThrow(UnavailableError);
    await expect(start).rejects.toThrow("no addon");
  });

  test("that breaks gives the line that names the error", async () => {
    const start = startSubject(node("throw new TypeError('no such option')"), null);
    await expect(start).rejects.toThrow("did not start: TypeError: no such option");
  });

  test("that does not exist is an error, not a hang", async () => {
    await expect(startSubject({ file: "/nonexistent", args: [] }, null)).rejects.toThrow(
      /did not start: .*ENOENT/,
    );
  });
});

describe("doubts about a window", () => {
  const sure: LoadResult = {
    messages: 1,
    seconds: 1,
    serverCpuNs: 0.5e9,
    generatorCpuNs: 0.5e9,
    serverWaitNs: 0,
    generatorWaitNs: 0,
    latency: null,
    fields: {},
  };

  test("are none when nothing was short", () => {
    expect(doubts(sure)).toEqual([]);
    expect(doubts({ ...sure, serverWaitNs: null, generatorWaitNs: null })).toEqual([]);
  });

  test("name a generator that was full while the server was not", () => {
    expect(doubts({ ...sure, generatorCpuNs: 0.97e9 })).toEqual([
      "the generator was the bottleneck",
    ]);
    expect(doubts({ ...sure, generatorCpuNs: 0.97e9, serverCpuNs: 0.97e9 })).toEqual([]);
  });

  test("name other work on the cores", () => {
    expect(doubts({ ...sure, serverWaitNs: 0.1e9 })).toEqual(["other work ran on these cores"]);
  });
});
