// What an installation brings, in bytes, and what of it an import reads: from what npm would
// pack now. Types are in it where they have been built (npm run build), binaries where npm run
// prebuild has made them.

import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { type Pack, packed } from "../packaging/pack.ts";
import { root, timeLimitMs } from "./support.ts";

const KIB = 1_024;

/** Bytes, with the measured value (20 November 2026) and the room that is left to grow. */
const bounds = {
  /** All but the binaries and what is read, unpacked. Measured: 1,020 KiB, 471 of them types. */
  unpacked: 1_250 * KIB,
  /** The same as it is downloaded. Measured: 213 KiB. */
  packed: 280 * KIB,
  /** What is read: pages, their pictures, examples. Measured: 361 KiB. */
  pages: 430 * KIB,
  /** The same as it is downloaded. Measured: 150 KiB. */
  packedPages: 180 * KIB,
  /** One binary for one platform. Measured: 481 KiB on x64 with the C++ library in it. */
  binary: 600 * KIB,
  /** The same, compressed. */
  packedBinary: 300 * KIB,
  /** JavaScript that `import "hawser"` parses. Measured: 201 KiB. */
  imported: 260 * KIB,
} as const;

let pack: Pack;

beforeAll(() => {
  pack = packed();
}, timeLimitMs);

const isBinary = ({ path }: { path: string }) => path.endsWith(".node");
const isPage = ({ path }: { path: string }) => /^(?:docs|examples|bench)\/|\.md$/.test(path);
const sum = (files: Pack["files"]) => files.reduce((total, { size }) => total + size, 0);

test("the code of the package, unpacked", () => {
  const others = pack.files.filter((file) => !isBinary(file) && !isPage(file));
  expect(others.map(({ path }) => path)).toContain("dist/index.js");
  expect(sum(others)).toBeLessThanOrEqual(bounds.unpacked);
});

test("the pages of the package, unpacked", () => {
  expect(sum(pack.files.filter(isPage))).toBeLessThanOrEqual(bounds.pages);
});

test("each binary in the package, and the one that this clone has built", () => {
  const built = readFileSync(join(root, "build", "Release", "hawser.node")).length;
  const sizes = pack.files.filter(isBinary).map(({ size }) => size);
  expect(Math.max(built, ...sizes)).toBeLessThanOrEqual(bounds.binary);
});

test("the package as it is downloaded", () => {
  const binaries = pack.files.filter(isBinary).length;
  const rest = bounds.packed + bounds.packedPages;
  expect(pack.size).toBeLessThanOrEqual(rest + binaries * bounds.packedBinary);
});

test("nothing is packed that only development needs", () => {
  const foreign = pack.files.filter(
    ({ path }) =>
      !/^(?:dist|prebuilds|docs|examples)\/|^[A-Z]+(?:\.md)?$|^package\.json$|^bench\/README\.md$/.test(
        path,
      ),
  );
  expect(foreign).toEqual([]);
});

/** The files that an import of one loads, and the modules of Node's that they name. */
function importGraph(entry: string): { files: Map<string, number>; builtins: Set<string> } {
  const files = new Map<string, number>();
  const builtins = new Set<string>();
  const open = [entry];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (files.has(file)) continue;
    expect(existsSync(file), file).toBe(true);
    const text = readFileSync(file, "utf8");
    files.set(file, text.length);
    for (const [, name = ""] of text.matchAll(/\b(?:from|import) ?"([^"]+)"/g)) {
      if (name.startsWith(".")) open.push(join(dirname(file), name));
      else builtins.add(name);
    }
  }
  return { files, builtins };
}

test("the JavaScript that an import of the package parses", () => {
  const { files } = importGraph(join(root, "dist", "index.js"));
  expect(files.size).toBeGreaterThan(1);
  const total = [...files.values()].reduce((bytes, size) => bytes + size, 0);
  expect(total).toBeGreaterThan(100 * KIB);
  expect(total).toBeLessThanOrEqual(bounds.imported);
});

test("an import names Node's own modules only, and not those that few need", () => {
  const { builtins } = importGraph(join(root, "dist", "index.js"));
  expect(builtins).toContain("node:fs");
  expect([...builtins].filter((name) => !name.startsWith("node:"))).toEqual([]);
  // Loaded when they are first used.
  for (const late of ["node:tls", "node:https", "node:http2", "node:dgram", "node:child_process"]) {
    expect(builtins).not.toContain(late);
  }
});
