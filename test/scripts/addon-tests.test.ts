// Which tests CI runs again with the addon under a sanitizer and the like.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { chooseAddonTests } from "../../scripts/ci/addon-tests.ts";
import { projectFiles } from "../../scripts/files.ts";

const folder = mkdtempSync(join(tmpdir(), "hawser-addon-tests-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Whether a test of these contents is one of the addon's, beside a library of three files. */
async function isChosen(contents: string): Promise<boolean> {
  const files = {
    "lib/binding/native.ts": "export type N = number; export const native = 1;",
    "lib/socket/reactor.ts":
      'import { native } from "../binding/native.ts"; export const r = native;',
    "lib/core/pure.ts": 'import type { N } from "../binding/native.ts"; export const p: N = 1;',
    "test/a.test.ts": contents,
  };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const { chosen, pure } = await chooseAddonTests(["test/a.test.ts"], folder);
  expect([...chosen, ...pure]).toEqual(["test/a.test.ts"]);
  return chosen.length === 1;
}

it.each([
  ["reaches the binding", 'import { r } from "../lib/socket/reactor.ts"; console.log(r);'],
  ["reaches it later", 'console.log(await import("../lib/socket/reactor.ts"));'],
  ["starts processes", 'import { spawn } from "node:child_process"; spawn("x");'],
  ["starts threads", 'import { Worker } from "node:worker_threads"; new Worker("x");'],
])("a test that %s is one of the addon's", async (_what, contents) => {
  expect(await isChosen(contents)).toBe(true);
});

it.each([
  ["uses pure code", 'import { p } from "../lib/core/pure.ts"; console.log(p);'],
  ["needs its types only", 'import type { N } from "../lib/binding/native.ts"; export type M = N;'],
  ["uses packages", 'import { expect } from "vitest"; console.log(expect);'],
])("a test that %s is not", async (_what, contents) => {
  expect(await isChosen(contents)).toBe(false);
});

it("of this project's, tests of connections are and tests of frames are not", async () => {
  const { chosen, pure } = await chooseAddonTests(projectFiles(["test"], [".test.ts"]));
  expect(chosen).toEqual(expect.arrayContaining(["test/net/connection.test.ts"]));
  expect(chosen).toEqual(expect.arrayContaining(["test/binding/worker-threads.test.ts"]));
  expect(pure).toEqual(expect.arrayContaining(["test/websocket/protocol/frame-parser.test.ts"]));
  expect(pure).toEqual(expect.arrayContaining(["test/core/queue.test.ts"]));
});
