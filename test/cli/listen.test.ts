// `hawser listen` as a person runs it, with peers of Node's own and a terminal of script(1).
// Not here: TLS (secure.test.ts), commands (exec.test.ts), udp: (udp.test.ts).

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import {
  cleanUpAfterEach,
  cleanUps,
  hasScript,
  hawser,
  inTerminal,
  MAIN,
  type Run,
  skippedWithoutScript,
} from "./support.ts";

cleanUpAfterEach();

const portOf = async (run: Run, stream: "out" | "err" = "err") =>
  Number((await run.says(stream, /listening on tcp:\/\/127\.0\.0\.1:(\d+)\r?\n/))[1]);

function dial(port: number): net.Socket {
  const socket = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  cleanUps.push(() => socket.destroy());
  return socket;
}

async function talk(port: number, words: string): Promise<string> {
  const socket = dial(port);
  socket.end(words);
  return text(socket);
}

describe("hawser listen", () => {
  it("--echo sends everything back to anyone, and Ctrl-C ends it with status 0", async () => {
    const run = hawser("listen", "tcp://127.0.0.1:0", "--echo");
    const port = await portOf(run);
    expect(await Promise.all([talk(port, "one"), talk(port, "two")])).toEqual(["one", "two"]);
    run.child.kill("SIGINT");
    expect(await run.ended()).toBe(0);
  });

  it("--fd takes the connections of a socket that it was passed, beside others who have it", async () => {
    const server = net.createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
    const { port } = server.address() as net.AddressInfo;
    const command = spawn(process.execPath, [MAIN, "listen", "--fd", "3", "--echo"], {
      stdio: ["ignore", "inherit", "pipe", fd],
    });
    cleanUps.push(() => command.kill("SIGKILL"));
    // From here on nobody else accepts.
    server.close();
    const [line] = await once(createInterface({ input: command.stderr as Readable }), "line");
    expect(line).toBe(`listening on tcp://127.0.0.1:${port}`);
    expect(await talk(port, "passed on")).toBe("passed on");
    command.kill("SIGINT");
    expect((await once(command, "exit"))[0]).toBe(0);
  });

  it.each([
    [["--fd", "9999"], 1, /fd:9999: this process has no such descriptor/],
    [["--fd", "x"], 2, /--fd takes a whole number/],
    [["--fd", "3", "tcp://127.0.0.1:0"], 2, /a URL or --fd, not both/],
  ] as const)("%j is told as what it is", async (args, status, text) => {
    const run = hawser("listen", ...args);
    expect(await run.ended()).toBe(status);
    expect(run.err).toMatch(text);
  });

  it("takes one connection for its input and output", async () => {
    const run = hawser("listen", "tcp://127.0.0.1:0");
    const port = await portOf(run);
    run.child.stdin.end("from here");
    expect(await talk(port, "from there")).toBe("from here");
    expect(await run.ended()).toBe(0);
    expect([run.out, run.err.split("\n").length]).toEqual(["from there", 2]);
  });

  it("a connection that is reset is one line, and status 1", async () => {
    const run = hawser("listen", "tcp://127.0.0.1:0");
    const socket = dial(await portOf(run));
    socket.write("x");
    await run.says("out", /x/);
    socket.resetAndDestroy();
    expect(await run.ended()).toBe(1);
    expect(run.err).toMatch(/^listening.*\nhawser: [^\n]*ECONNRESET[^\n]*\n$/);
  });

  it.each(["SIGINT", "SIGTERM"] as const)(
    "%s ends it with status 0: nobody there",
    async (signal) => {
      const run = hawser("listen", "tcp://127.0.0.1:0");
      await portOf(run);
      run.child.kill(signal);
      expect(await run.ended()).toBe(0);
    },
  );

  it("Ctrl-C in the middle sends what was typed, and an end", async () => {
    const run = hawser("listen", "tcp://127.0.0.1:0");
    const socket = dial(await portOf(run));
    run.child.stdin.write("last words");
    const [first] = await once(socket, "data");
    run.child.kill("SIGINT");
    await once(socket, "end");
    socket.end();
    expect([String(first), await run.ended()]).toEqual(["last words", 0]);
  });

  it("a Unix socket: echoes, and its file is gone afterwards", async () => {
    const folder = mkdtempSync(join(tmpdir(), "listen-"));
    cleanUps.push(() => rmSync(folder, { recursive: true }));
    const path = join(folder, "socket");
    for (const args of [["--echo"], []]) {
      const run = hawser("listen", `unix:${path}`, ...args);
      await run.says("err", /listening on unix:/);
      if (args.length > 0) {
        const socket = net.connect(path);
        socket.end("local");
        expect(await text(socket)).toBe("local");
      }
      run.child.kill("SIGINT");
      expect([await run.ended(), existsSync(path)]).toEqual([0, false]);
    }
  });
});

describe("hawser listen --keep-open", () => {
  it("takes one after the other, and says of a reset what it is", async () => {
    const run = hawser("listen", "tcp://127.0.0.1:0", "--keep-open");
    const port = await portOf(run);
    run.child.stdin.end("for the first");
    expect(await talk(port, "one ")).toBe("for the first");
    const rude = dial(port);
    rude.write("two ");
    await run.says("out", /two/);
    rude.resetAndDestroy();
    await run.says("err", /\nhawser: [^\n]*ECONNRESET[^\n]*\n/);
    expect(await talk(port, "three")).toBe("");
    run.child.kill("SIGTERM");
    expect(await run.ended()).toBe(0);
    expect(run.out).toBe("one two three");
  });

  it.skipIf(!hasScript)(`what is typed goes to who is there${skippedWithoutScript}`, async () => {
    const run = inTerminal(["listen", "tcp://127.0.0.1:0", "-k"]);
    const port = await portOf(run, "out");
    for (const name of ["first", "second"]) {
      const socket = dial(port);
      socket.write(`this is ${name}\n`);
      await run.says("out", new RegExp(`this is ${name}`));
      run.child.stdin.write(`hello ${name}\n`);
      expect(String((await once(socket, "data"))[0])).toBe(`hello ${name}\n`);
      socket.end();
      await once(socket, "end");
    }
  });
});
