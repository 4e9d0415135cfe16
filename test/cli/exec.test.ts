// `hawser listen --exec`: commands and their connections.

import { spawnSync } from "node:child_process";
import { once } from "node:events";
import net from "node:net";
import { text } from "node:stream/consumers";
import { expect, it } from "vitest";
import { Commands } from "../../lib/cli/exec.ts";
import { connections } from "../adapters/pairs.ts";
import { foreignEnvironment, nodeArguments } from "../support/environment.ts";
import { cleanUpAfterEach, cleanUps, hawser, MAIN, Run } from "./support.ts";

cleanUpAfterEach();

const hasPrlimit = spawnSync("prlimit", ["--version"], { env: foreignEnvironment() }).status === 0;

const portOf = async (run: Run) => Number((await run.says("err", /:(\d+)\n/))[1]);

function dial(port: number): net.Socket {
  const socket = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", () => {});
  cleanUps.push(() => socket.destroy());
  return socket;
}

it("a command for each connection is its input and output", async () => {
  const run = hawser("listen", "tcp://127.0.0.1:0", "--exec", "tr a-z A-Z");
  const port = await portOf(run);
  for (const [sent, expected] of [
    ["quiet", "QUIET"],
    ["again", "AGAIN"],
  ] as const) {
    const socket = dial(port);
    socket.end(sent);
    expect(await text(socket)).toBe(expected);
  }
});

it("it knows who is there", async () => {
  const command = 'echo "$HAWSER_REMOTE_ADDRESS $HAWSER_REMOTE_PORT"';
  const run = hawser("listen", "tcp://127.0.0.1:0", "--exec", command);
  const socket = dial(await portOf(run));
  await once(socket, "connect");
  const { localPort } = socket;
  expect(await text(socket)).toBe(`127.0.0.1 ${localPort}\n`);
});

it("what is larger than every buffer goes through, both ways", async () => {
  const run = hawser("listen", "tcp://127.0.0.1:0", "--exec", "cat");
  const socket = dial(await portOf(run));
  const sent = "0123456789abcdef".repeat(200_000);
  socket.end(sent);
  expect((await text(socket)) === sent).toBe(true);
});

it("a command that has not read everything is no error", async () => {
  const run = hawser("listen", "tcp://127.0.0.1:0", "--exec", "head -c 3");
  const socket = dial(await portOf(run));
  socket.end("x".repeat(3_000_000));
  expect(await text(socket)).toBe("xxx");
  run.child.kill("SIGINT");
  expect([await run.ended(), run.err.trim().split("\n").length]).toEqual([0, 1]);
});

it("a command whose peer has gone ends when it writes", async () => {
  const run = hawser("listen", "tcp://127.0.0.1:0", "--exec", "yes; echo ended >&2");
  const socket = dial(await portOf(run));
  await once(socket, "data");
  socket.resetAndDestroy();
  await run.says("err", /^ended$/m);
});

it("SIGTERM ends a command that would go on, and the status is 0", async () => {
  const command = "echo there; exec sleep 1000";
  const run = hawser("listen", "tcp://127.0.0.1:0", "--exec", command);
  const socket = dial(await portOf(run));
  await once(socket, "data");
  run.child.kill("SIGTERM");
  await once(socket, "end");
  socket.end();
  expect(await run.ended()).toBe(0);
});

it("one that cannot be started is a failure, told at once", async () => {
  const { client, server, listener } = await connections();
  cleanUps.push(() => listener.close({ timeout: 0 }));
  const tooLong = `echo ${"x".repeat(4_000_000)}`;
  await expect(new Commands(tooLong).run(server)).rejects.toMatchObject({ code: "E2BIG" });
  client.abort();
});

it.skipIf(!hasPrlimit)(
  `without descriptors for a command, one line says so, and others are served later${hasPrlimit ? "" : " (skipped: needs prlimit)"}`,
  async () => {
    const node = ["env", ...nodeArguments(), process.execPath, MAIN];
    const listening = ["listen", "tcp://127.0.0.1:0", "--exec", "cat"];
    const args = ["--nofile=60:60", ...node, ...listening];
    const run = new Run("prlimit", args, foreignEnvironment());
    const port = await portOf(run);
    const sockets = Array.from({ length: 60 }, () => dial(port));
    await run.says("err", /\nhawser: spawn [^\n]*EMFILE[^\n]*\n/);
    for (const socket of sockets) socket.destroy();
    await expect
      .poll(async () => {
        const socket = dial(port);
        socket.end("served");
        return text(socket).catch(() => "");
      })
      .toBe("served");
    expect(run.child.exitCode).toBeNull();
  },
);
