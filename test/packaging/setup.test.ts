// What `npm start` and `npm test` say on a clone whose machine lacks something: one sentence for
// each
// thing, before anything is installed.
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

const root = join(import.meta.dirname, "..", "..");
let clone: string;
let path: string;

beforeEach(() => {
  clone = mkdtempSync(join(tmpdir(), "hawser-setup-"));
  path = join(clone, "path");
  mkdirSync(path);
  for (const file of ["setup.mjs", "build.mjs", "lazy-parts.mjs", "stamp.mjs"]) {
    cpSync(join(root, "scripts", file), join(clone, "scripts", file));
  }
  for (const file of ["package.json", "package-lock.json", "CMakeLists.txt"]) {
    cpSync(join(root, file), join(clone, file));
  }
});
afterEach(() => rmSync(clone, { recursive: true, force: true }));

/** Puts a command on the path that says something and ends with a code. */
function command(name: string, says = "", code = 0): void {
  const file = join(path, name);
  writeFileSync(file, `#!/bin/sh\necho '${says}'\nexit ${code}\n`);
  chmodSync(file, 0o755);
}

function setUp(): { status: number | null; lines: string[] } {
  const { status, stderr } = spawnSync(process.execPath, [join(clone, "scripts", "setup.mjs")], {
    env: { PATH: path },
    encoding: "utf8",
  });
  return { status, lines: stderr.trimEnd().split("\n") };
}

test("a missing compiler, CMake and make are one sentence each, which names the package", () => {
  const { status, lines } = setUp();
  expect(status).toBe(1);
  expect(lines).toEqual([
    expect.stringMatching(/C\+\+17 compiler.*build-essential.*gcc-c\+\+.*build-base.*xcode-select/),
    expect.stringMatching(/CMake 3\.19 or later.*cmake/),
    expect.stringMatching(/make or Ninja.*make/),
  ]);
  expect(existsSync(join(clone, "node_modules"))).toBe(false);
});

test("only what is missing is named", () => {
  command("c++");
  command("ninja", "1.11");
  const { status, lines } = setUp();
  expect(status).toBe(1);
  expect(lines).toEqual([expect.stringMatching(/^hawser needs CMake/)]);
});

test.each(["3.18.4", "2.8.12"])("CMake %s is too old", (version) => {
  command("c++");
  command("make");
  command("cmake", `cmake version ${version}`);
  expect(setUp().lines).toEqual([expect.stringMatching(/^hawser needs CMake 3\.19 or later/)]);
});

test("a compiler that cannot compile C++17 counts as none", () => {
  command("c++", "error: unrecognized option -std=c++17", 1);
  command("make");
  command("cmake", "cmake version 3.25.1");
  expect(setUp().lines).toEqual([expect.stringMatching(/^hawser needs a C\+\+17 compiler/)]);
});

test("with all tools there the dependencies are installed next, and a failure of that is told", () => {
  command("c++");
  command("make");
  command("cmake", "cmake version 4.0.0");
  command("npm", "", 1);
  expect(setUp()).toEqual({ status: 1, lines: ["hawser: `npm ci` failed, see above."] });
});
