// Finds the native addon and loads it. Which functions it has is native.ts's to know; nothing here
// is called after the first load.
import { closeSync, existsSync, openSync, readSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { HawserError } from "../errors/hawser-error.ts";

/** What the choice of a binary depends on; tests pass their own. */
export interface HostFacts {
  /** As `process.platform`. */
  readonly platform: string;
  /** As `process.arch`. */
  readonly arch: string;
  /** As `process.versions`. */
  readonly versions: Readonly<Record<string, string | undefined>>;
  /** The C library that this process runs on. Asked on Linux only. */
  readonly libc: () => "glibc" | "musl";
  /** The path in HAWSER_BINARY, which overrides every other. */
  readonly override: string | undefined;
  /** The folder of the package's package.json. */
  readonly root: string;
  readonly exists: (path: string) => boolean;
  readonly load: (path: string) => unknown;
}

/**
 * Loads the addon: the file that HAWSER_BINARY names, else what a clone built
 * (`build/Release/hawser.node`), else the package's prebuild for this system, named as prebuildify
 * names it (`prebuilds/linux-x64/hawser.glibc.node`, `prebuilds/darwin-arm64/hawser.node`).
 *
 * @throws HawserError `ERR_HAWSER_UNSUPPORTED_PLATFORM` on Windows, Bun, Deno and other systems;
 *   `ERR_HAWSER_BINARY_MISSING` where there is no binary for this system;
 *   `ERR_HAWSER_BINARY_UNUSABLE`, with the system's own error as `cause`, where there is one that
 *   does not load.
 */
export function loadBinding(facts: HostFacts = hostFacts()): unknown {
  refuseUnsupported(facts);
  const path = binaryPaths(facts).find(facts.exists);
  if (path === undefined) throw missing(facts);
  try {
    return facts.load(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new HawserError(
      `hawser: its native binary ${path} cannot be loaded on ${describe(facts)}: ${reason}`,
      { code: "ERR_HAWSER_BINARY_UNUSABLE", cause },
    );
  }
}

/** Where a binary may lie, best first. */
export function binaryPaths(facts: HostFacts): string[] {
  if (facts.override) return [facts.override];
  const { platform, arch, root } = facts;
  const name = platform === "linux" ? `hawser.${facts.libc()}.node` : "hawser.node";
  return [
    // First, so that a prebuild made in a clone never hides what was built there since.
    join(root, "build", "Release", "hawser.node"),
    join(root, "prebuilds", `${platform}-${arch}`, name),
  ];
}

function refuseUnsupported({ platform, versions }: HostFacts): void {
  // Before the addon: Bun aborts the process on its first call into libuv.
  const runtime = versions.bun ? "Bun" : versions.deno ? "Deno" : undefined;
  if (runtime !== undefined) {
    throw unsupported(
      `hawser needs Node.js: ${runtime} lacks the part of libuv that it builds on.`,
    );
  }
  if (platform === "win32") {
    throw unsupported("hawser supports Linux and macOS, not Windows: run it in WSL there.");
  }
  if (platform !== "linux" && platform !== "darwin") {
    throw unsupported(`hawser supports Linux and macOS, not ${platform}.`);
  }
}

function unsupported(message: string): HawserError {
  return new HawserError(message, { code: "ERR_HAWSER_UNSUPPORTED_PLATFORM" });
}

function missing(facts: HostFacts): HawserError {
  const message = facts.override
    ? `hawser: HAWSER_BINARY names ${facts.override}, which does not exist.`
    : `hawser has no native binary for ${describe(facts)}: ` +
      "clone its repository on that system and run `npm start`, which builds one, " +
      "then name the file build/Release/hawser.node in HAWSER_BINARY.";
  return new HawserError(message, { code: "ERR_HAWSER_BINARY_MISSING" });
}

function describe({ platform, arch, libc }: HostFacts): string {
  return platform === "linux" ? `${platform}-${arch} (${libc()})` : `${platform}-${arch}`;
}

function hostFacts(): HostFacts {
  return {
    platform: process.platform,
    arch: process.arch,
    versions: process.versions,
    libc: () => libcOf(process.execPath),
    override: process.env.HAWSER_BINARY,
    root: packageRoot(import.meta.dirname),
    exists: existsSync,
    load: createRequire(import.meta.url),
  };
}

/**
 * The C library of an executable: its program interpreter (elf(5), PT_INTERP) is musl's or it is
 * not. The path stands in the first page; process.report knows it too and takes 20 times as long.
 */
export function libcOf(executable: string): "glibc" | "musl" {
  const page = Buffer.alloc(4096);
  try {
    const descriptor = openSync(executable, "r");
    try {
      readSync(descriptor, page, 0, page.length, 0);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return "glibc";
  }
  return page.includes("/ld-musl-") ? "musl" : "glibc";
}

/** The nearest folder upwards that has a package.json: from lib/binding as well as from dist. */
export function packageRoot(from: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, "package.json")) || folder === dirname(folder)) return folder;
  }
}
