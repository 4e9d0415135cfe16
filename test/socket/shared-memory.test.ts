// The memory that native code and JavaScript share: nobody can take it away under native code.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { native } from "../../lib/binding/native.ts";
import { errnoOf } from "../../lib/errors/index.ts";
import { makeSharedMemory } from "../../lib/socket/shared-memory.ts";
import { foreignEnvironment } from "../support/environment.ts";
import { isLinux } from "./support.ts";

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

// The built package by its own name: what loads TypeScript does not start with so little.
const PROGRAM = `await import("hawser").then(
  () => console.log("loaded"),
  ({ code, message }) => console.log(code, message),
);`;
const ARGUMENTS = ["--input-type=module", "--eval", PROGRAM];

test("a Node without WebAssembly is told so in one sentence", () => {
  const args = ["--jitless", ...ARGUMENTS];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: "utf8" });
  expect(stdout, stderr).toMatch(/^ERR_HAWSER_UNSUPPORTED_PLATFORM hawser needs WebAssembly/);
});

// Without what is preloaded there: a sanitizer wants terabytes.
const env = { ...foreignEnvironment(), HAWSER_BINARY: undefined };
const major = Number.parseInt(process.versions.node, 10);
const title = "a limit of the address space is told with what helps";

(isLinux ? test : test.skip)(isLinux ? title : `${title} (Linux only)`, () => {
  const limited = (flags: string[]) => {
    const script = 'ulimit -v 4000000 && exec "$0" "$@"';
    const args = ["-c", script, process.execPath, ...flags, ...ARGUMENTS];
    return spawnSync("sh", args, { cwd: ROOT, encoding: "utf8", env });
  };
  const { stdout, stderr } = limited([]);
  // Newer Nodes do with less by themselves.
  const expected = major < 24 ? /^ENOMEM hawser: .*ulimit -v.*--disable-wasm-trap-/ : /^loaded\n$/;
  expect(stdout, stderr).toMatch(expected);
  expect(limited(["--disable-wasm-trap-handler"]).stdout).toBe("loaded\n");
});
