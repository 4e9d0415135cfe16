// The built command as a person runs it, against peers of Node's own.

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import net, { type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";

const MAIN = new URL("../../dist/cli.js", import.meta.url).pathname;
const children: ChildProcessWithoutNullStreams[] = [];
const servers: net.Server[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  for (const server of servers.splice(0)) server.close();
});

class Run {
  readonly child: ChildProcessWithoutNullStreams;
  out = "";
  err = "";

  constructor(args: readonly string[]) {
    this.child = spawn(process.execPath, [MAIN, ...args]);
    children.push(this.child);
    this.child.stdout.on("data", (text) => {
      this.out += text;
    });
    this.child.stderr.on("data", (text) => {
      this.err += text;
    });
  }

  async ended(): Promise<number | null> {
    const [code] = await once(this.child, "close");
    return code;
  }

  /** Waits until standard error says something that matches. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.err);
      if (match !== null) return match;
      await once(this.child.stderr, "data");
    }
  }
}

const hawser = (...args: string[]) => new Run(args);

async function serve(onConnection: (socket: net.Socket) => void): Promise<number> {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    // What becomes of this end is told by the command's output, not here.
    socket.on("error", () => {});
    onConnection(socket);
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

const echo = (socket: net.Socket) => void socket.pipe(socket);

async function talk(port: number, text: string): Promise<string> {
  const socket = net.connect(port, "127.0.0.1");
  socket.end(text);
  let answer = "";
  for await (const chunk of socket) answer += chunk;
  return answer;
}

describe("hawser connect", () => {
  it("sends its input, prints the answer, and ends with the peer", async () => {
    const run = hawser("connect", `tcp://127.0.0.1:${await serve(echo)}`);
    run.child.stdin.end("there and back");
    expect(await run.ended()).toBe(0);
    expect(run.out).toBe("there and back");
    expect(run.err).toBe("");
  });

  it("carries what is larger than every buffer", async () => {
    const run = hawser("connect", `tcp://127.0.0.1:${await serve(echo)}`);
    const sent = "0123456789abcdef".repeat(200_000);
    run.child.stdin.end(sent);
    expect(await run.ended()).toBe(0);
    expect(run.out === sent).toBe(true);
  });

  it("B16: still sends its input to a peer that has finished first", async () => {
    let heard = "";
    const port = await serve((socket) => {
      socket.end("bye").on("data", (text) => {
        heard += text;
      });
    });
    const run = hawser("connect", `tcp://127.0.0.1:${port}`);
    await once(run.child.stdout, "data");
    run.child.stdin.end("and bye to you");
    expect(await run.ended()).toBe(0);
    expect([run.out, heard]).toEqual(["bye", "and bye to you"]);
  });

  it("B54: a refused port is one line on standard error, and status 1", async () => {
    const port = await serve(() => {});
    await new Promise((done) => servers.pop()?.close(done));
    const run = hawser("connect", `tcp://127.0.0.1:${port}`);
    expect(await run.ended()).toBe(1);
    expect(run.err).toBe(`hawser: connect ECONNREFUSED 127.0.0.1:${port}\n`);
  });

  it("a reset is status 1", async () => {
    const run = hawser(
      "connect",
      `tcp://127.0.0.1:${await serve((s) => void s.resetAndDestroy())}`,
    );
    expect(await run.ended()).toBe(1);
    expect(run.err).toMatch(/^hawser: .*ECONNRESET/);
  });
});

describe("hawser listen", () => {
  it("--echo sends everything back to anyone, and Ctrl-C ends it with status 0", async () => {
    const run = hawser("listen", "tcp://127.0.0.1:0", "--echo");
    const port = Number((await run.says(/listening on tcp:\/\/127\.0\.0\.1:(\d+)\n/))[1]);
    expect(await Promise.all([talk(port, "one"), talk(port, "two")])).toEqual(["one", "two"]);
    run.child.kill("SIGINT");
    expect(await run.ended()).toBe(0);
  });

  it("--exec runs a command for each connection", async () => {
    const run = hawser("listen", "tcp://127.0.0.1:0", "--exec", "tr a-z A-Z");
    const port = Number((await run.says(/:(\d+)\n/))[1]);
    expect(await talk(port, "quiet")).toBe("QUIET");
    expect(await talk(port, "again")).toBe("AGAIN");
  });

  it("takes one connection for its input and output", async () => {
    const run = hawser("listen", "tcp://127.0.0.1:0");
    const port = Number((await run.says(/:(\d+)\n/))[1]);
    run.child.stdin.end("from here");
    expect(await talk(port, "from there")).toBe("from here");
    expect(await run.ended()).toBe(0);
    expect(run.out).toBe("from there");
  });

  it("listens on a Unix socket", async () => {
    const path = join(tmpdir(), `hawser-${process.pid}-cli.sock`);
    const run = hawser("listen", `unix:${path}`, "--echo");
    await run.says(/listening on unix:/);
    const socket = net.connect(path);
    socket.end("local");
    const [chunk] = await once(socket, "data");
    expect(String(chunk)).toBe("local");
  });
});

describe("hawser probe", () => {
  it("shows phases, the kernel's view and the options in force", async () => {
    const run = hawser("probe", `127.0.0.1:${await serve(echo)}`, "--keepalive", "30/5/2");
    expect(await run.ended()).toBe(0);
    expect(run.out).toMatch(/^connect +\d.* █/m);
    expect(run.out).toMatch(/^round trip +\d/m);
    expect(run.out).toMatch(/^TCP_KEEPCNT +2$/m);
  });

  it("--json is one object", async () => {
    const port = await serve(echo);
    const run = hawser("probe", `127.0.0.1:${port}`, "--json");
    expect(await run.ended()).toBe(0);
    const found = JSON.parse(run.out);
    expect(found.remote).toEqual({ address: "127.0.0.1", port });
    expect(found.tcpInfo.state).toBe("ESTABLISHED");
    expect(found.establishment.attempts[0].outcome).toBe("won");
  });

  it("B2: gives up after --connect-timeout and says in which phase", async () => {
    // A listener whose queue is full answers no more SYNs.
    const program = `
      import socket, sys, time
      listener = socket.socket(); listener.bind(("127.0.0.1", 0)); listener.listen(0)
      port = listener.getsockname()[1]
      held = []
      for _ in range(4):
          s = socket.socket(); s.setblocking(False); held.append(s)
          s.connect_ex(("127.0.0.1", port))
      print(port, flush=True); time.sleep(60)`;
    const python = spawn("python3", ["-c", program.replace(/^ {6}/gm, "")]);
    children.push(python);
    const [line] = await once(python.stdout, "data");
    const began = performance.now();
    const run = hawser(
      "probe",
      `127.0.0.1:${Number(line)}`,
      "--connect-timeout",
      "300ms",
      "--json",
    );
    expect(await run.ended()).toBe(1);
    expect(performance.now() - began).toBeGreaterThan(300);
    expect(run.err).toMatch(/^hawser: connect ETIMEDOUT 127\.0\.0\.1/);
  });
});

describe("hawser watch", () => {
  it("prints one line for each look", async () => {
    const port = await serve(echo);
    const run = hawser("watch", `127.0.0.1:${port}`, "--count", "3", "--interval", "10ms");
    expect(await run.ended()).toBe(0);
    expect(run.out.trim().split("\n")).toHaveLength(3);
    expect(run.out).toMatch(/round trip \d.*state ESTABLISHED$/m);
  });

  it("--json is one object a line", async () => {
    const port = await serve(echo);
    const run = hawser("watch", `127.0.0.1:${port}`, "--count", "1", "--json");
    expect(await run.ended()).toBe(0);
    expect(JSON.parse(run.out).state).toBe("ESTABLISHED");
  });
});

describe("hawser watch and probe of what is there no more, or no TCP", () => {
  it("watch says that the peer has ended, with status 1", async () => {
    const port = await serve((socket) => setTimeout(() => socket.end(), 50));
    const run = hawser("watch", `127.0.0.1:${port}`, "--interval", "20ms");
    expect(await run.ended()).toBe(1);
    expect(run.out).toMatch(/ESTABLISHED$/m);
    expect(run.err).toBe("hawser: the peer has ended the connection\n");
  });

  it("watch ends with status 0 on Ctrl-C", async () => {
    const run = hawser("watch", `127.0.0.1:${await serve(echo)}`, "--interval", "20ms");
    await once(run.child.stdout, "data");
    run.child.kill("SIGINT");
    expect(await run.ended()).toBe(0);
    expect(run.err).toBe("");
  });

  it("probe of a Unix socket shows its path", async () => {
    const path = join(tmpdir(), `hawser-${process.pid}-probe.sock`);
    const server = net.createServer((socket) => socket.resume()).listen(path);
    servers.push(server);
    await once(server, "listening");
    const run = hawser("probe", `unix:${path}`);
    expect(await run.ended()).toBe(0);
    expect(run.out.split("\n")[0]).toBe(path);
    expect(run.out).toMatch(/^ready +\d/m);
  });

  it.each(["connect", "probe"])("%s ws: is wrong usage, not bare TCP", async (command) => {
    const run = hawser(command, `ws://127.0.0.1:${await serve(echo)}/`);
    expect(await run.ended()).toBe(2);
    expect(run.err).toMatch(/^hawser: \w+ takes .*tcp:.* tls:.* unix:.* ws:/);
  });
});

describe("hawser options", () => {
  it("lists those that match", async () => {
    const run = hawser("options", "keepidle");
    expect(await run.ended()).toBe(0);
    expect(run.out).toMatch(/^TCP_KEEPIDLE +integer +seconds +read-write +Linux$/m);
  });

  it("with no match is wrong usage", async () => {
    const run = hawser("options", "NO_SUCH");
    expect(await run.ended()).toBe(2);
  });
});

describe("hawser", () => {
  it.each([["bash"], ["zsh"], ["fish"]])("completions %s are a script", async (shell) => {
    const run = hawser("completions", shell);
    expect(await run.ended()).toBe(0);
    expect(run.out).toContain("probe");
  });

  it.each([
    [["conect"], "there is no command conect"],
    [["connect"], "connect takes one URL"],
    [["connect", "tcp://h:1", "--famly", "4"], "--famly"],
    [["connect", "tcp://h"], "tcp://HOST:PORT"],
    [["connect", "tcp://h:1", "--connect-timeout", "5"], "5s or 200ms"],
    [["connect", "ws://h"], "connect takes tcp://HOST:PORT"],
    [["probe"], "probe takes one HOST:PORT"],
    [["watch", "h:1", "--interval", "0s"], "--interval takes at least 10ms"],
    [["listen", "tcp://127.0.0.1:0", "--echo", "--exec", "x"], "exclude each other"],
    [["completions", "ksh"], "bash, zsh or fish"],
  ])("%j is wrong usage, in one line and with status 2", async (args, message) => {
    const run = hawser(...args);
    expect(await run.ended()).toBe(2);
    expect(run.err).toContain(message);
    expect(run.err.trim().split("\n")).toHaveLength(1);
  });

  it.each(["connect", "listen", "probe", "watch", "options", "completions"])(
    "help %s describes it",
    async (name) => {
      const [asked, flagged] = [hawser("help", name), hawser(name, "--help")];
      expect(await Promise.all([asked.ended(), flagged.ended()])).toEqual([0, 0]);
      expect(asked.out).toMatch(new RegExp(`^hawser ${name}`));
      expect(flagged.out).toBe(asked.out);
    },
  );

  it.each([
    [["help", "udp"]],
    [["connect", "udp://h:1", "--help"]],
    [["listen", "-h", "udp://h:1"]],
  ])("%j describes what udp: URLs take", async (args) => {
    const run = hawser(...args);
    expect(await run.ended()).toBe(0);
    expect(run.out).toMatch(/^hawser connect udp:.*\nhawser listen udp:/);
  });

  it("--version is the package's", async () => {
    const run = hawser("--version");
    expect(await run.ended()).toBe(0);
    expect(run.out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
