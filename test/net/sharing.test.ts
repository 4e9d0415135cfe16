// Several listeners on one port, in threads and in processes: each has its share (B29), and while
// one of them leaves every connection that was queued is answered. Not here: options of a listener
// (listen-sockets.test.ts), the same in a network whose kernel migrates (test/faults).
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, test } from "vitest";
import { ListenSocket } from "../../lib/index.ts";
import { askMany } from "./asking.ts";
import { afterTest } from "./support.ts";

const SCRIPT = join(import.meta.dirname, "sharing-member.mjs");
const HOST = "127.0.0.1";
const CONNECTIONS = 400;
const AT_ONCE = 40;

interface Event {
  readonly event: "ready" | "left";
  readonly name: string;
  readonly port: number;
  readonly served: number;
}

/** A process with one member, or with one in each of its threads. */
class Member {
  readonly #child: ChildProcess;
  readonly #events: Event[] = [];
  #waiting: (() => void)[] = [];

  constructor(task: object, descriptor?: number) {
    this.#child = spawn(process.execPath, [SCRIPT, JSON.stringify(task)], {
      stdio: ["pipe", "pipe", "inherit", ...(descriptor === undefined ? [] : [descriptor])],
    });
    afterTest(() => this.#child.kill("SIGKILL"));
    createInterface({ input: this.#child.stdout as NodeJS.ReadableStream }).on("line", (line) => {
      this.#events.push(JSON.parse(line) as Event);
      for (const look of this.#waiting.splice(0)) look();
    });
  }

  async told(event: Event["event"], name: string): Promise<Event> {
    for (;;) {
      const found = this.#events.find((one) => one.event === event && one.name === name);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  leave(name: string): void {
    this.#child.stdin?.write(`leave ${name}\n`);
  }
}

const total = (counts: Record<string, number>, names: readonly string[]) =>
  names.reduce((sum, name) => sum + (counts[name] ?? 0), 0);

/** Whether the kernel gives what a closed socket had queued to another of its group. */
function movesHandshakes(): boolean {
  const path = "/proc/sys/net/ipv4/tcp_migrate_req";
  return existsSync(path) && readFileSync(path, "utf8").startsWith("1");
}

const onLinux = process.platform === "linux" ? describe : describe.skip;

onLinux("reusePort, which is Linux's", () => {
  test("B29 threads and processes have even shares, and one that leaves loses nothing", async () => {
    const names = ["a1", "a2", "b1", "b2"];
    const first = new Member({ threads: ["a1"], endpoint: `tcp://${HOST}:0`, drain: true });
    const { port } = await first.told("ready", "a1");
    const endpoint = `tcp://${HOST}:${port}`;
    const others = [
      new Member({ threads: ["a2", "b1"], endpoint, drain: true }),
      new Member({ name: "b2", endpoint, drain: true }),
    ] as const;
    await Promise.all([
      others[0].told("ready", "a2"),
      others[0].told("ready", "b1"),
      others[1].told("ready", "b2"),
    ]);

    const even = await askMany(port, CONNECTIONS, AT_ONCE);
    expect(total(even, names)).toBe(CONNECTIONS);
    for (const name of names) {
      // A quarter each, by the hash of the addresses: six standard deviations are half of it.
      expect(even[name]).toBeGreaterThan(CONNECTIONS / 8);
      expect(even[name]).toBeLessThan((3 * CONNECTIONS) / 8);
    }

    const leaving = new Map([
      [CONNECTIONS / 4, () => others[0].leave("b1")],
      [CONNECTIONS / 2, () => others[1].leave("b2")],
    ]);
    const answers = await askMany(port, CONNECTIONS, AT_ONCE, leaving);
    const left = await Promise.all([others[0].told("left", "b1"), others[1].told("left", "b2")]);
    // Whose handshake begins in the very moment in which a socket is closed is reset, unless the
    // kernel moves it; nobody who was queued is.
    const { ECONNRESET: lost = 0 } = answers;
    expect(lost).toBeLessThanOrEqual(movesHandshakes() ? 0 : left.length);
    expect(total(answers, names) + lost).toBe(CONNECTIONS);
    for (const { served } of left) expect(served).toBeGreaterThan(0);
    expect(total(await askMany(port, CONNECTIONS, AT_ONCE), ["a1", "a2"])).toBe(CONNECTIONS);
  });
});

describe("one listening descriptor, shared", () => {
  test("processes share its connections, and one that leaves loses nothing", async () => {
    const socket = new ListenSocket({ family: "IPv4" });
    afterTest(() => socket.close());
    socket.bind({ address: HOST, port: 0 });
    socket.listen();
    const port = socket.localAddress?.port as number;
    const members = ["one", "two"].map((name) => new Member({ name, descriptor: 3 }, socket.fd));
    await Promise.all(["one", "two"].map((name, at) => members[at]?.told("ready", name)));
    const answers = await askMany(
      port,
      CONNECTIONS,
      AT_ONCE,
      new Map([[CONNECTIONS / 2, () => members[0]?.leave("one")]]),
    );
    expect(total(answers, ["one", "two"])).toBe(CONNECTIONS);
    expect((await members[0]?.told("left", "one"))?.served).toBeGreaterThan(0);
  });
});
