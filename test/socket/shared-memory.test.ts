// The memory that native code and JavaScript share: nobody can take it away under native code.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { native } from "../../lib/binding/native.ts";
import { errnoOf } from "../../lib/errors/index.ts";
import { makeSharedMemory } from "../../lib/socket/shared-memory.ts";

const INDEX = new URL("../../lib/index.ts", import.meta.url).href;
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

test("it has the size that native code asks for, and keeps it when user code takes it away", () => {
  const memory = makeSharedMemory();
  const size = memory.byteLength;
  expect(size).toBeGreaterThanOrEqual(native.memoryBytes);
  // It throws, or it copies: which one is Node's to choose.
  try {
    structuredClone(memory, { transfer: [memory] });
  } catch (error) {
    expect(error).toBeInstanceOf(Error);
  }
  expect(memory.byteLength).toBe(size);
});

test("native code opens no reactor on memory that can be", () => {
  const ignore = () => {};
  const open = (memory: ArrayBuffer) => native.open(memory, ignore, ignore, [], []);
  const EINVAL = errnoOf("EINVAL");
  expect(open(new ArrayBuffer(native.memoryBytes))).toBe(EINVAL);
  expect(open(new ArrayBuffer(16))).toBe(EINVAL);
  expect(typeof open(makeSharedMemory())).toBe("object");
});

test("a Node without WebAssembly is told so in one sentence", () => {
  const program = `await import(${JSON.stringify(INDEX)}).then(
    () => console.log("loaded"),
    ({ code, message }) => console.log(code, message),
  );`;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ["--jitless", "--import", "tsx", "--input-type=module", "--eval", program],
    { cwd: ROOT, encoding: "utf8" },
  );
  expect(stdout, stderr).toMatch(/^ERR_HAWSER_UNSUPPORTED_PLATFORM hawser needs WebAssembly/);
});
