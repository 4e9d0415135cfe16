// The built command as a person runs it, against peers of Node's own.

import { once } from "node:events";
import net, { type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { freePort } from "../adapters/servers.ts";
import { foreignEnvironment } from "../support/environment.ts";
import {
  cleanUpAfterEach,
  cleanUps,
  hasScript,
  hawser,
  inTerminal,
  Run,
  skippedWithoutScript,
} from "./support.ts";

cleanUpAfterEach();

async function serve(onConnection: (socket: net.Socket) => void): Promise<number> {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    // What becomes of this end is told by the command's output, not here.
    socket.on("error", () => {});
    onConnection(socket);
  });
  cleanUps.push(() => server.close());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

const echo = (socket: net.Socket) => void socket.pipe(socket);

/** Of a listener whose queue is full: it answers no more SYNs. */
async function deafPort(): Promise<number> {
  const program = `
import socket, time
listener = socket.socket(); listener.bind(("127.0.0.1", 0)); listener.listen(0)
port = listener.getsockname()[1]
held = []
for _ in range(4):
    s = socket.socket(); s.setblocking(False); held.append(s)
    s.connect_ex(("127.0.0.1", port))
print(port, flush=True); time.sleep(60)`;
  const python = new Run("python3", ["-c", program], foreignEnvironment());
  return Number((await python.says("out", /(\d+)\n/))[1]);
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
    const port = await freePort();
    const run = hawser("connect", `tcp://127.0.0.1:${port}`);
    expect(await run.ended()).toBe(1);
    expect(run.err).toBe(`hawser: connect ECONNREFUSED 127.0.0.1:${port}\n`);
  });

  it("--verbose says what is connected to what, a path as well", async () => {
    const path = join(tmpdir(), `hawser-${process.pid}-connect.sock`);
    const server = net.createServer((socket) => socket.end()).listen(path);
    cleanUps.push(() => server.close());
    await once(server, "listening");
    const [tcp, unix] = [await serve((socket) => socket.end()), `unix:${path}`];
    for (const [url, said] of [
      [
        `tcp://127.0.0.1:${tcp}`,
        new RegExp(`^connected 127\\.0\\.0\\.1:\\d+ to 127\\.0\\.0\\.1:${tcp}\n$`),
      ],
      [unix, `connected to ${path}\n`],
    ] as const) {
      const run = hawser("connect", url, "--verbose");
      run.child.stdin.end();
      expect(await run.ended()).toBe(0);
      expect(run.err).toMatch(said);
    }
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
    const port = await deafPort();
    const began = performance.now();
    const run = hawser("probe", `127.0.0.1:${port}`, "--connect-timeout", "300ms", "--json");
    expect(await run.ended()).toBe(1);
    expect(performance.now() - began).toBeGreaterThan(300);
    expect(run.err).toMatch(/^hawser: connect ETIMEDOUT 127\.0\.0\.1/);
  });
});

describe("hawser probe of what is no TCP", () => {
  it("a Unix socket shows its path", async () => {
    const path = join(tmpdir(), `hawser-${process.pid}-probe.sock`);
    const server = net.createServer((socket) => socket.resume()).listen(path);
    cleanUps.push(() => server.close());
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

describe.skipIf(!hasScript)(`on a terminal${skippedWithoutScript}`, () => {
  it("there are colours, unless NO_COLOR or a pipe", async () => {
    const args = ["probe", `127.0.0.1:${await serve(echo)}`];
    const [shown, plain, piped] = [
      inTerminal(args),
      inTerminal(args, { NO_COLOR: "1" }),
      hawser(...args),
    ];
    expect(await Promise.all([shown, plain, piped].map((run) => run.ended()))).toEqual([0, 0, 0]);
    expect(shown.out).toContain("\u001b[1m127.0.0.1");
    expect(shown.out).toContain("\u001b[36mconnect");
    for (const run of [plain, piped]) expect(run.out).not.toContain("\u001b");
  });

  it("what takes long says so, and leaves one line when it fails", async () => {
    const target = `127.0.0.1:${await deafPort()}`;
    const run = inTerminal(["probe", target, "--connect-timeout", "1500ms"]);
    expect(await run.ended()).toBe(1);
    const said = `connecting to ${target}: 1 s`;
    const erase = "\r\u001b[K";
    expect(run.out.startsWith(`${erase}${said}${erase}hawser: connect ETIMEDOUT`)).toBe(true);
    expect(run.out.trim().split("\n")).toHaveLength(1);
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
  it.each([
    [["conect"], "there is no command conect"],
    [["connect"], "connect takes one URL"],
    [["connect", "tcp://h:1", "--famly", "4"], "--famly"],
    [["connect", "tcp://h"], "tcp://HOST:PORT"],
    [["connect", "tcp://h:1", "--connect-timeout", "5"], "5s or 200ms"],
    [["connect", "ws://h"], "connect takes tcp://HOST:PORT"],
    [["probe"], "probe takes one HOST:PORT"],
    [["watch", "h:1", "--interval", "0s"], "--interval takes at least 10ms"],
    [["watch", "unix:run/s"], "watch takes HOST:PORT, tcp:// or tls://: unix:run/s"],
    [["watch", "h:1", "--send", "\\x"], "--send knows"],
    [["watch", "h:1", "--insecure"], "tls"],
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
