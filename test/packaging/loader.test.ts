// The choice of a binary, on any platform, with the facts passed in; and on this one.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  binaryPaths,
  type HostFacts,
  libcOf,
  loadBinding,
  packageRoot,
} from "../../lib/binding/loader.ts";
import { HawserError } from "../../lib/errors/index.ts";

const built = "/pkg/build/Release/hawser.node";

/** Facts of a host on which the named files exist; loading a file gives its path. */
function host(files: string[], facts: Partial<HostFacts> = {}): HostFacts {
  return {
    platform: "linux",
    arch: "x64",
    versions: { node: "20.19.0" },
    libc: () => "glibc",
    override: undefined,
    root: "/pkg",
    exists: (path) => files.includes(path),
    load: (path) => path,
    ...facts,
  };
}

function failure(facts: HostFacts): HawserError {
  try {
    loadBinding(facts);
  } catch (error) {
    if (error instanceof HawserError) return error;
    throw error;
  }
  throw new Error("loadBinding did not throw");
}

describe("the path of the binary", () => {
  test.each([
    ["linux", "x64", "glibc", "/pkg/prebuilds/linux-x64/hawser.glibc.node"],
    ["linux", "arm64", "glibc", "/pkg/prebuilds/linux-arm64/hawser.glibc.node"],
    ["linux", "x64", "musl", "/pkg/prebuilds/linux-x64/hawser.musl.node"],
    ["linux", "arm64", "musl", "/pkg/prebuilds/linux-arm64/hawser.musl.node"],
    ["darwin", "x64", "glibc", "/pkg/prebuilds/darwin-x64/hawser.node"],
    ["darwin", "arm64", "glibc", "/pkg/prebuilds/darwin-arm64/hawser.node"],
  ] as const)("on %s %s (%s) the prebuild is %s", (platform, arch, libc, path) => {
    expect(loadBinding(host([path], { platform, arch, libc: () => libc }))).toBe(path);
  });

  test("what a clone built goes before a prebuild, which may be older", () => {
    const prebuild = "/pkg/prebuilds/linux-x64/hawser.glibc.node";
    expect(loadBinding(host([prebuild, built]))).toBe(built);
  });

  test("HAWSER_BINARY goes before everything", () => {
    expect(loadBinding(host([built, "/own.node"], { override: "/own.node" }))).toBe("/own.node");
    expect(binaryPaths(host([], { override: "/own.node" }))).toEqual(["/own.node"]);
  });

  test("an empty HAWSER_BINARY counts as none", () => {
    expect(loadBinding(host([built], { override: "" }))).toBe(built);
  });

  test("the C library is not looked for outside Linux", () => {
    const libc = () => {
      throw new Error("asked");
    };
    expect(binaryPaths(host([], { platform: "darwin", libc }))).toHaveLength(2);
  });
});

describe("what cannot be loaded is told in one sentence", () => {
  test.each([
    [
      { platform: "win32" },
      /^hawser supports Linux and macOS, not Windows: run it in WSL there\.$/,
    ],
    [{ platform: "freebsd" }, /^hawser supports Linux and macOS, not freebsd\.$/],
    [{ versions: { node: "24.0.0", bun: "1.4.0" } }, /^hawser needs Node\.js: Bun lacks [^.]*\.$/],
    [
      { versions: { node: "24.0.0", deno: "2.0.0" } },
      /^hawser needs Node\.js: Deno lacks [^.]*\.$/,
    ],
  ])("unsupported: %j", (facts, message) => {
    // Even where a file is there: Bun would abort in it.
    const error = failure(host([built], facts));
    expect(error.message).toMatch(message);
    expect(error.code).toBe("ERR_HAWSER_UNSUPPORTED_PLATFORM");
  });

  test("a missing binary names the platform and the way to build one", () => {
    const error = failure(host([], { arch: "riscv64", libc: () => "musl" }));
    expect(error.code).toBe("ERR_HAWSER_BINARY_MISSING");
    expect(error.message).toMatch(/linux-riscv64 \(musl\).*clone.*npm start.*HAWSER_BINARY\.$/);
    expect(error.message).not.toContain("\n");
  });

  test("a missing file in HAWSER_BINARY is named, and nothing else is loaded instead", () => {
    const error = failure(host([built], { override: "/gone.node" }));
    expect(error.code).toBe("ERR_HAWSER_BINARY_MISSING");
    expect(error.message).toBe("hawser: HAWSER_BINARY names /gone.node, which does not exist.");
  });

  test("a binary that does not load keeps the system's reason as its cause", () => {
    const cause = new Error("GLIBC_2.38 not found");
    const load = () => {
      throw cause;
    };
    const error = failure(host([built], { load }));
    expect(error.code).toBe("ERR_HAWSER_BINARY_UNUSABLE");
    expect(error.message).toContain(built);
    expect(error.message).toContain("GLIBC_2.38 not found");
    expect(error.cause).toBe(cause);
  });
});

describe("facts of this host", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "hawser-loader-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test("an executable whose interpreter is musl's is told from one of glibc", () => {
    const musl = join(folder, "musl");
    writeFileSync(
      musl,
      Buffer.concat([Buffer.alloc(700), Buffer.from("/lib/ld-musl-x86_64.so.1\0")]),
    );
    const glibc = join(folder, "glibc");
    writeFileSync(
      glibc,
      Buffer.concat([Buffer.alloc(700), Buffer.from("/lib64/ld-linux-x86-64.so.2")]),
    );
    expect(libcOf(musl)).toBe("musl");
    expect(libcOf(glibc)).toBe("glibc");
  });

  test("an executable that cannot be read counts as glibc", () => {
    expect(libcOf(join(folder, "absent"))).toBe("glibc");
  });

  test("the package's root is found from lib/binding and from dist alike", () => {
    const root = join(import.meta.dirname, "..", "..");
    expect(packageRoot(join(root, "lib", "binding"))).toBe(root);
    expect(packageRoot(join(root, "dist"))).toBe(root);
    expect(packageRoot("/")).toBe("/");
  });
});
