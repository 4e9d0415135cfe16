// Worker threads, over the built package: each has a reactor of its own, ends cleanly with or
// without
// open sockets, and may be terminated at any moment. CI runs this file under ThreadSanitizer too.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";

// The built package by its own name: a worker has no loader for TypeScript on Node 20.
const script = join(import.meta.dirname, "worker-echo.mjs");
const terminations = 20;
const threadsAtOnce = 4;

type Task = "close" | "exit" | "forever";

function start(task: Task): Worker {
  return new Worker(script, { workerData: { task } });
}

/** What the worker said first, or its error. */
async function firstMessage(worker: Worker): Promise<unknown> {
  const [message] = await once(worker, "message");
  return message;
}

test("an echo goes round in a worker, which ends by itself when all is closed", async () => {
  const worker = start("close");
  const exited = once(worker, "exit");
  expect(await firstMessage(worker)).toBe(1000);
  expect(await exited).toEqual([0]);
});

test("several workers have reactors of their own at once", async () => {
  const workers = Array.from({ length: threadsAtOnce }, () => start("close"));
  const exits = workers.map((worker) => once(worker, "exit"));
  expect(await Promise.all(workers.map(firstMessage))).toEqual(workers.map(() => 1000));
  expect(await Promise.all(exits)).toEqual(workers.map(() => [0]));
});

test("a worker ends cleanly with open sockets", async () => {
  const worker = start("exit");
  const exited = once(worker, "exit");
  expect(await firstMessage(worker)).toBe(1000);
  expect(await exited).toEqual([0]);
});

test("a worker may be terminated in the middle of its turns, again and again", async () => {
  for (let round = 0; round < terminations; round++) {
    const worker = start("forever");
    await firstMessage(worker);
    // Terminated at another place of its traffic every time, without waiting for a time.
    for (let turn = 0; turn < round * 5; turn++) await new Promise(setImmediate);
    expect(await worker.terminate()).toBe(1);
  }
});

/** Runs a program that starts workers; what it ends with. */
async function run(main: string): Promise<unknown> {
  const child = spawn(process.execPath, ["-e", main], { stdio: ["ignore", "ignore", "pipe"] });
  const errors: Buffer[] = [];
  child.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
  const [code, signal] = await once(child, "close");
  return { code, signal, errors: Buffer.concat(errors).toString() };
}

const cleanEnd = { code: 0, signal: null, errors: "" };

test("the process ends by itself when only its workers had the addon", async () => {
  const main = `
    const { Worker } = require("node:worker_threads");
    const script = ${JSON.stringify(script)};
    const worker = new Worker(script, { workerData: { task: "forever" } });
    worker.once("message", () => worker.terminate());
    new Worker(script, { workerData: { task: "exit" } });
    new Worker(script, { workerData: { task: "close" } });
  `;
  expect(await run(main)).toEqual(cleanEnd);
});

test("a worker may be terminated while native code makes what it has asked for", async () => {
  // Nearly every one of them is in the middle of a list.
  const main = `
    const { once } = require("node:events");
    const { Worker } = require("node:worker_threads");
    const script = ${JSON.stringify(script)};
    (async () => {
      for (let round = 0; round < ${terminations}; round++) {
        const worker = new Worker(script, { workerData: { task: "lists" } });
        await once(worker, "message");
        for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
        await worker.terminate();
      }
    })();
  `;
  expect(await run(main)).toEqual(cleanEnd);
});
