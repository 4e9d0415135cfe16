// Services on listening sockets that they were passed, as a service manager does it (LISTEN_FDS,
// LISTEN_PID; sd_listen_fds(3)): started by systemd's own program, sharing one socket, and
// replaced one by one while clients come in. Not here: descriptors of one process
// (listen-descriptor.test.ts).
import { spawnSync } from "node:child_process";
import net from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { foreignEnvironment, nodeArguments } from "../support/environment.ts";
import { ask, askMany } from "./asking.ts";
import { Peer, temporaryFolder, until } from "./support.ts";

const SERVICE = join(import.meta.dirname, "descriptor-service.ts");
// A peer is given what this process has, unless it is taken away.
const FOREIGN: NodeJS.ProcessEnv = {
  ...Object.fromEntries(Object.keys(process.env).map((name) => [name, undefined])),
  ...foreignEnvironment(),
};
const CLIENTS = 300;
const AT_ONCE = 10;

const service = (name: string) => [
  "env",
  ...nodeArguments(),
  process.execPath,
  "--import",
  "tsx",
  SERVICE,
  name,
];

// Lines "start COMMAND..." and "stop NUMBER" come in. Each service has the socket as descriptor 3.
const MANAGER = `
import os, shlex, signal, socket, sys
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(64)
print("port", s.getsockname()[1], flush=True)
started = []
for line in sys.stdin:
    words = shlex.split(line)
    if words[0] == "stop":
        os.kill(started[int(words[1])], signal.SIGTERM)
        continue
    pid = os.fork()
    if pid == 0:
        os.dup2(s.fileno(), 3)
        os.set_inheritable(3, True)
        os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
        os.environ.update(LISTEN_FDS="1", LISTEN_FDNAMES="web", LISTEN_PID=str(os.getpid()))
        os.execvp(words[1], words[1:])
    started.append(pid)
for pid in started: os.kill(pid, signal.SIGKILL)
`;

const inTheMiddle = (happens: () => void) => new Map([[CLIENTS / 2, happens]]);

describe("a socket that a service manager passed", () => {
  const found = spawnSync("systemd-socket-activate", ["--version"], { env: foreignEnvironment() });
  const isThere = found.error === undefined && found.status === 0;
  test.skipIf(!isThere)(
    `systemd-socket-activate: the first client starts the service${isThere ? "" : " (skipped: no systemd-socket-activate)"}`,
    async () => {
      const path = join(temporaryFolder(), "service.sock");
      const activator = new Peer(
        "systemd-socket-activate",
        ["-l", path, "--fdname=web", ...service("one")],
        FOREIGN,
      );
      await until("it listens", () => activator.stderr.includes("Listening on"));
      const socket = net.connect(path);
      socket.on("error", () => {});
      expect(await activator.line()).toBe(`ready one web ${path}`);
      socket.destroy();
      expect(await ask({ path })).toBe("one");
      activator.child.kill("SIGTERM");
      expect(await activator.line()).toMatch(/^left one 1$/);
      expect(await activator.exit).toBe(0);
    },
    30_000,
  );

  test("two processes share it, and a restart one by one loses no connection", async () => {
    const manager = new Peer("python3", ["-u", "-c", MANAGER], FOREIGN);
    const [, digits] = (await manager.line()).split(" ");
    const port = Number(digits);
    const start = async (name: string) => {
      manager.say(`start ${service(name).map(quoted).join(" ")}`);
      expect(await manager.line()).toBe(`ready ${name} web ${port}`);
    };
    await start("one");
    expect(await askMany(port, CLIENTS, AT_ONCE)).toEqual({ one: CLIENTS });
    await start("two");
    const both = await askMany(port, CLIENTS, AT_ONCE);
    expect((both["one"] ?? 0) + (both["two"] ?? 0)).toBe(CLIENTS);
    expect(Math.min(both["one"] ?? 0, both["two"] ?? 0)).toBeGreaterThan(0);

    const leaving = await askMany(
      port,
      CLIENTS,
      AT_ONCE,
      inTheMiddle(() => manager.say("stop 0")),
    );
    expect((leaving["one"] ?? 0) + (leaving["two"] ?? 0)).toBe(CLIENTS);
    expect(await manager.line()).toMatch(/^left one \d+$/);
    await start("three");
    const replaced = await askMany(
      port,
      CLIENTS,
      AT_ONCE,
      inTheMiddle(() => manager.say("stop 1")),
    );
    expect((replaced["two"] ?? 0) + (replaced["three"] ?? 0)).toBe(CLIENTS);
    expect(await manager.line()).toMatch(/^left two \d+$/);
    expect(await askMany(port, CLIENTS, AT_ONCE)).toEqual({ three: CLIENTS });
    manager.child.stdin?.end();
    await manager.exit;
  }, 60_000);
});

const quoted = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;
