// Unix datagram and seqpacket sockets with the programs that live by them: syslog's logger and
// rsyslogd, sd_notify's systemd-notify, and Python's socket module.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, watch, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DatagramSocket } from "../../lib/socket/datagram-socket.ts";
import { ListenSocket } from "../../lib/socket/listen-socket.ts";
import { foreignEnvironment } from "../support/environment.ts";

const isLinux = process.platform === "linux";
const env = { ...foreignEnvironment(), PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` };
const has = (command: string, ...args: string[]) =>
  spawnSync(command, args, { env }).error === undefined;
const needs = (tool: string, isThere: boolean) =>
  isThere ? tool : `${tool} (skipped: needs ${tool})`;

const hasLogger = isLinux && has("logger", "--version");
const hasNotify = isLinux && has("systemd-notify", "--version");
const hasRsyslog = isLinux && has("rsyslogd", "-v");
const hasPython = isLinux && has("python3", "--version");

let folder: string;
const children: ChildProcess[] = [];
const sockets: { close(): Promise<unknown> }[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hawser-unix-"));
});

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }
  for (const socket of sockets.splice(0)) await socket.close();
  rmSync(folder, { recursive: true, force: true });
});

function start(command: string, args: readonly string[], more: NodeJS.ProcessEnv = {}) {
  const child = spawn(command, args, {
    env: { ...env, ...more },
    stdio: ["pipe", "pipe", "inherit"],
  });
  children.push(child);
  return child;
}

function tracked<T extends { close(): Promise<unknown> }>(socket: T): T {
  sockets.push(socket);
  return socket;
}

function bound(name: string): { socket: DatagramSocket; path: string } {
  const path = join(folder, name);
  const socket = tracked(new DatagramSocket({ family: "unix" }));
  socket.bind({ path });
  return { socket, path };
}

const textOf = async (socket: DatagramSocket) => String((await socket.receive())?.data);

/** Waits until a file holds what matches. */
async function fileHolds(path: string, pattern: RegExp): Promise<string> {
  const looking = new AbortController();
  const watcher = watch(folder, { signal: looking.signal });
  try {
    for (;;) {
      const text = existsSync(path) ? readFileSync(path, "utf8") : "";
      if (pattern.test(text)) return text;
      await once(watcher, "change");
    }
  } finally {
    looking.abort();
  }
}

describe.skipIf(!hasLogger)(needs("logger", hasLogger), () => {
  test("writes syslog lines (RFC 3164) to a socket of ours, as to /dev/log", async () => {
    const { socket, path } = bound("log");
    for (let n = 0; n < 5; n++) {
      start("logger", ["--socket", path, "-d", "-p", "user.warning", "-t", "hawser", `line ${n}`]);
      expect(await textOf(socket)).toMatch(new RegExp(`^<12>.* hawser: line ${n}\\n?$`));
    }
  });
});

describe.skipIf(!hasNotify)(needs("systemd-notify", hasNotify), () => {
  test("tells a manager of ours the state of a service (sd_notify(3))", async () => {
    const { socket, path } = bound("notify");
    const child = start("systemd-notify", ["--ready", "--status=at work", "--pid=4711"], {
      NOTIFY_SOCKET: path,
    });
    const ended = once(child, "exit");
    const told = (await textOf(socket)).split("\n");
    expect(told).toEqual(expect.arrayContaining(["READY=1", "STATUS=at work", "MAINPID=4711"]));
    // It passes a pipe, and waits until we have closed it: what is passed here is.
    expect(await textOf(socket)).toBe("BARRIER=1");
    expect(await ended).toEqual([0, null]);
  });
});

describe.skipIf(!hasRsyslog)(needs("rsyslogd", hasRsyslog), () => {
  test("takes what we log, single and many, and loses nothing", async () => {
    const [path, out, config] = ["log", "out", "conf"].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    writeFileSync(
      config,
      `module(load="imuxsock" SysSock.Use="off")
       input(type="imuxsock" Socket="${path}" RateLimit.Interval="0" UseSysTimeStamp="off")
       template(name="plain" type="string" string="%syslogpriority-text% %programname%%msg%\\n")
       action(type="omfile" file="${out}" template="plain")\n`,
    );
    start("rsyslogd", ["-n", "-f", config, "-i", join(folder, "pid")]);
    while (!existsSync(path)) {
      const looking = new AbortController();
      const watcher = watch(folder, { signal: looking.signal });
      if (!existsSync(path)) await once(watcher, "change");
      looking.abort();
    }
    const sender = tracked(new DatagramSocket({ family: "unix" }));
    sender.connect({ path });
    const line = (n: number) => `<14>Nov 20 10:00:00 hawser: line ${n}`;
    await sender.send(line(0));
    await sender.sendMany(Array.from({ length: 998 }, (_, n) => line(n + 1)));
    const other = tracked(new DatagramSocket({ family: "unix" }));
    await other.sendMany([{ data: line(999), to: { path } }]);
    const text = await fileHolds(out, /line 999\n/);
    const wanted = Array.from({ length: 1_000 }, (_, n) => `info hawser line ${n}`);
    expect(text.trimEnd().split("\n")).toEqual(wanted);
  });
});

const JOURNALD = "/lib/systemd/systemd-journald";
const journaldMisses =
  isLinux && process.getuid?.() === 0
    ? [JOURNALD, "/etc/machine-id"].find((path) => !existsSync(path))
    : "root, and Linux";

describe.skipIf(journaldMisses !== undefined)(
  `systemd-journald${journaldMisses === undefined ? "" : ` (skipped: needs ${journaldMisses})`}`,
  () => {
    /** What the journal holds of us, one line for each entry. */
    function entries(): string[] {
      const files = join(folder, "log", "journal", "*", "*.journal");
      const fields = "--output-fields=MESSAGE,PRIORITY,CODE_LINE,_PID";
      const args = ["--file", files, "--no-pager", "--quiet", "-o", "json", fields];
      const { stdout } = spawnSync("journalctl", args, {
        env,
        encoding: "utf8",
      });
      const lines = stdout.split("\n").filter((line) => line.startsWith("{"));
      return lines
        .map((line) => JSON.parse(line) as Record<string, string>)
        .filter(({ _PID }) => _PID === `${process.pid}`)
        .map(({ MESSAGE, PRIORITY, CODE_LINE }) => `${PRIORITY} ${MESSAGE} ${CODE_LINE ?? ""}`);
    }

    test("keeps fields in its own protocol, and syslog's lines, and knows who sent them", async () => {
      // An instance of its own, which sees this folder as /run and /var/log.
      const script = `mkdir -p ${folder}/run/systemd ${folder}/log/journal
        mount --bind ${folder}/run /run && mount --bind ${folder}/log /var/log
        exec ${JOURNALD} hawser`;
      start("unshare", ["--mount", "sh", "-e", "-c", script]);
      const sockets = join(folder, "run", "systemd", "journal.hawser");
      while (!existsSync(join(sockets, "dev-log"))) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      const journal = tracked(new DatagramSocket({ family: "unix" }));
      await journal.sendMany(
        Array.from({ length: 100 }, (_, n) => ({
          data: `MESSAGE=entry ${n}\nPRIORITY=5\nCODE_LINE=${n}\n`,
          to: { path: join(sockets, "socket") },
        })),
      );
      const log = tracked(new DatagramSocket({ family: "unix" }));
      log.connect({ path: join(sockets, "dev-log") });
      await log.send("<12>hawser: by syslog");
      while (entries().length < 101) await new Promise((resolve) => setTimeout(resolve, 50));
      const wanted = Array.from({ length: 100 }, (_, n) => `5 entry ${n} ${n}`);
      const all = entries();
      expect(all.filter((line) => line.startsWith("5"))).toEqual(wanted);
      expect(all).toContain("4 by syslog ");
    });
  },
);

const PYTHON_SERVER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.bind(sys.argv[1])
s.listen()
print("ready", flush=True)
c, _ = s.accept()
while True:
    data = c.recv(65536)
    if data == b"bye": break
    c.send(b"<" + data + b">")
c.close()
`;

const PYTHON_CLIENT = `
import socket, sys
c = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
c.connect(sys.argv[1])
for size in (1, 0, 10000):
    c.send(b"y" * size)
print(c.recv(65536).decode(), flush=True)
c.close()
`;

const PYTHON_JOURNAL = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
s.bind(sys.argv[1])
print("ready", flush=True)
data, ancillary, flags, peer = s.recvmsg(65536, 256)
fields = dict(line.split("=", 1) for line in data.decode().split("\\n") if line)
pid = int.from_bytes(ancillary[0][2][:4], sys.byteorder)
print(fields["MESSAGE"], fields["PRIORITY"], pid, flush=True)
`;

async function lineOf(child: ChildProcess): Promise<string> {
  let text = "";
  while (!text.includes("\n")) {
    const [chunk] = await once(child.stdout as NodeJS.ReadableStream, "data");
    text += chunk;
  }
  return text.trim();
}

describe.skipIf(!hasPython)(needs("python3", hasPython), () => {
  test("a seqpacket server of its answers each message, and its close is our end", async () => {
    const path = join(folder, "seq");
    const child = start("python3", ["-u", "-c", PYTHON_SERVER, path]);
    await lineOf(child);
    const socket = tracked(new DatagramSocket({ family: "unix", type: "seqpacket" }));
    socket.connect({ path });
    await socket.sendMany(["a", "bb", Buffer.alloc(5_000, "c"), "dd"]);
    const answers: string[] = [];
    for (let left = 4; left > 0; left--) answers.push(await textOf(socket));
    expect(answers).toEqual(["<a>", "<bb>", `<${"c".repeat(5_000)}>`, "<dd>"]);
    await socket.send("bye");
    expect(await socket.receive()).toBeNull();
  });

  test("a seqpacket client of its is accepted and answered", async () => {
    const path = join(folder, "seq");
    const listener = tracked(new ListenSocket({ family: "unix", type: "seqpacket" }));
    listener.bind({ path });
    listener.listen();
    const child = start("python3", ["-u", "-c", PYTHON_CLIENT, path]);
    const socket = tracked(await listener.accept());
    const sizes: number[] = [];
    for (let left = 3; left > 0; left--) sizes.push((await socket.receive())?.data.length ?? -1);
    expect(sizes).toEqual([1, 0, 10_000]);
    await socket.send("seen");
    expect(await lineOf(child)).toBe("seen");
    expect(await socket.receive()).toBeNull();
  });

  test("a journal of its hears our fields, and knows who we are (SO_PASSCRED)", async () => {
    const path = join(folder, "journal");
    const child = start("python3", ["-u", "-c", PYTHON_JOURNAL, path]);
    await lineOf(child);
    const socket = tracked(new DatagramSocket({ family: "unix" }));
    await socket.send("MESSAGE=from hawser\nPRIORITY=6\n", { path });
    expect(await lineOf(child)).toBe(`from hawser 6 ${process.pid}`);
  });
});
