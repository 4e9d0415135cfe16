// The system's table of open files is full (ENFILE, accept(2)), which no process can bring about
// for itself: strace puts the error in. Not here: a process that is out of descriptors
// (listener.test.ts).
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import net from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { slowness } from "../faults/support/program.ts";
import { foreignEnvironment } from "../support/environment.ts";
import { afterTest } from "./support.ts";

const MEMBER = join(import.meta.dirname, "sharing-member.mjs");
/** What accept(2) answers, and how often: one that is of a lost connection is told when all are. */
const CASES = [
  ["ENFILE", 3],
  ["EPERM", 150],
] as const;

// A sanitizer and strace do not go together: the addon is the plain one there.
const { HAWSER_BINARY: _sanitized, ...env } = foreignEnvironment();

function whatIsMissing(): string | undefined {
  if (process.platform !== "linux") return "strace is Linux's";
  const tried = spawnSync("strace", ["-f", "-qq", "-e", "trace=none", "true"], { env });
  if (tried.error) return "needs strace";
  return tried.status === 0 ? undefined : "strace may not trace here: needs CAP_SYS_PTRACE";
}

const missing = whatIsMissing();
const why = missing === undefined ? "" : ` (skipped: ${missing})`;

test.skipIf(missing !== undefined).each(CASES)(
  `B28 %s on accept: backs off, and who waited is answered${why}`,
  async (code, times) => {
    const inject = `inject=accept4:error=${code}:when=1..${times}`;
    const task = JSON.stringify({ name: "served", endpoint: "tcp://127.0.0.1:0" });
    const child = spawn(
      "strace",
      ["-f", "-e", "trace=accept4", "-e", inject, process.execPath, MEMBER, task],
      { stdio: ["pipe", "pipe", "pipe"], env },
    );
    afterTest(() => child.kill("SIGKILL"));
    let traced = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      traced += text;
    });
    const [line] = await once(createInterface({ input: child.stdout }), "line");
    const { port } = JSON.parse(String(line)) as { port: number };
    const answers = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const socket = net.connect({ port, host: "127.0.0.1" });
        afterTest(() => socket.destroy());
        socket.write("?");
        return String((await once(socket, "data"))[0]);
      }),
    );
    expect(answers).toEqual(Array.from({ length: 5 }, () => "served"));
    expect(traced.match(new RegExp(`${code} .*INJECTED`, "g"))).toHaveLength(times);
  },
  30_000 * slowness,
);
