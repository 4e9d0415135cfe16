// The binding under wrong types and ranges for a while, in a process of its own: it never crashes,
// throws nothing, and leaks no descriptors. HAWSER_FUZZ_SECONDS makes the while longer; what it
// found comes back with the seed it prints first. The calls themselves are
// test/fuzz/binding.fuzz.ts.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";

const seconds = Number(process.env["HAWSER_FUZZ_SECONDS"] ?? 10);
const root = join(import.meta.dirname, "..", "..");
const graceMs = 20_000;
let folder = "";

// A worker has no loader for TypeScript on Node 20.
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "hawser-fuzz-"));
  await build({
    entryPoints: [join(root, "test/fuzz/binding.fuzz.ts")],
    outfile: join(folder, "fuzz.mjs"),
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20.19",
  });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test(
  `any call of the binding is answered, for ${seconds} s`,
  async () => {
    const binary = process.env["HAWSER_BINARY"] ?? join(root, "build/Release/hawser.node");
    // A file: Node's pipes are sockets, which the fuzzer would adopt and shut down.
    const file = join(folder, "output");
    const out = openSync(file, "w");
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, "fuzz-in-workers.mjs"), join(folder, "fuzz.mjs"), String(seconds)],
      { stdio: ["ignore", out, out], env: { ...process.env, HAWSER_BINARY: binary } },
    );
    const [code, signal] = await once(child, "close");
    closeSync(out);
    const output = readFileSync(file, "utf8");
    expect({ code, signal }, output).toEqual({ code: 0, signal: null });
    expect(output).toContain("descriptors leaked: 0");
    const calls = /([0-9]+) calls on/g;
    expect([...output.matchAll(calls)].length).toBe(2);
  },
  (seconds * 2 + 20) * 1_000 + graceMs,
);
