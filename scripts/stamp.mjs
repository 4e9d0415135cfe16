// Whether an output is as fresh as what it is made from, told by a stamp: a digest of the path,
// size and modification time of every input. Deleted and older files count as changes too. Plain
// Node, because setup.mjs needs it before anything is installed.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * The files under a path, sorted; a path that does not exist has none.
 * @param {string} path
 * @returns {string[]}
 */
export function filesUnder(path) {
  const entry = statSync(path, { throwIfNoEntry: false });
  if (entry === undefined) return [];
  if (!entry.isDirectory()) return [path];
  return readdirSync(path, { withFileTypes: true })
    .flatMap((child) => {
      const name = join(path, child.name);
      return child.isDirectory() ? filesUnder(name) : [name];
    })
    .sort();
}

/**
 * The stamp of everything under `paths`, and of `extra` (versions, options).
 * @param {string[]} paths
 * @returns {string}
 */
export function stampOf(paths, extra = "") {
  const hash = createHash("sha256").update(extra);
  for (const file of paths.flatMap(filesUnder)) {
    const { mtimeMs, size } = statSync(file);
    hash.update(`${file}\0${mtimeMs}\0${size}\n`);
  }
  return hash.digest("hex");
}

/**
 * Whether `stampFile` holds `stamp` and every output is there.
 * @param {string} stampFile
 * @param {string} stamp
 * @param {string[]} outputs
 */
export function isFresh(stampFile, stamp, outputs) {
  if (!existsSync(stampFile) || !outputs.every((output) => existsSync(output))) return false;
  return readFileSync(stampFile, "utf8") === stamp;
}

/**
 * @param {string} stampFile
 * @param {string} stamp
 */
export function writeStamp(stampFile, stamp) {
  mkdirSync(dirname(stampFile), { recursive: true });
  writeFileSync(stampFile, stamp);
}
