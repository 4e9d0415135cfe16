// The project's own files, as git knows them: kept and new ones, without what is ignored.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./run.ts";

/** Paths below the folders, relative to the clone, with one of the endings; sorted. */
export function projectFiles(folders: readonly string[], endings: readonly string[]): string[] {
  const args = ["ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", ...folders];
  const listing = execFileSync("git", args, { cwd: root, encoding: "utf8" });
  return [...new Set(listing.split("\0"))]
    .filter((path) => endings.some((ending) => path.endsWith(ending)))
    .filter((path) => existsSync(join(root, path)))
    .sort();
}

/** The texts of files, by path. */
export function readAll(paths: readonly string[]): Map<string, string> {
  return new Map(paths.map((path) => [path, readFileSync(join(root, path), "utf8")]));
}
