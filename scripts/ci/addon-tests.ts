// The test files that the addon has a part in: those whose imports reach the binding, and those
// that start processes or threads, in which it may be loaded. All others are TypeScript alone, of
// which a sanitizer, a garbage collection or another build of the addon shows nothing.
//   node --import tsx scripts/ci/addon-tests.ts [--without PATTERN]...
// prints their paths, less those that match a pattern (a regular expression), and says on standard
// error how many were left out.
import { relative } from "node:path";
import { parseArgs } from "node:util";
import { build, type Metafile } from "esbuild";
import { projectFiles } from "../files.ts";
import { root } from "../run.ts";

/** What makes a test one of the addon's. */
const binding = /^lib\/binding\/(?:native|loader)\.ts$/;
const starters: ReadonlySet<string> = new Set([
  "node:child_process",
  "node:cluster",
  "node:worker_threads",
]);

export interface Choice {
  readonly chosen: string[];
  readonly pure: string[];
}

/** Tells test files apart by what their imports reach; types do not count. Paths in `folder`. */
export async function chooseAddonTests(files: readonly string[], folder = root): Promise<Choice> {
  // One bundle, since each takes as long as all of them; nobody wants the bundle itself.
  const all = files.map((file) => `import ${JSON.stringify(`./${file}`)};`).join("\n");
  const { metafile } = await build({
    absWorkingDir: folder,
    stdin: { contents: all, resolveDir: folder },
    bundle: true,
    metafile: true,
    write: false,
    format: "esm",
    platform: "node",
    packages: "external",
    logLevel: "error",
  });
  const graph = new Graph(metafile);
  const chosen = files.filter((file) => graph.reachesAddon(file));
  return { chosen, pure: files.filter((file) => !chosen.includes(file)) };
}

class Graph {
  readonly #inputs: Metafile["inputs"];

  constructor({ inputs }: Metafile) {
    this.#inputs = inputs;
  }

  reachesAddon(file: string): boolean {
    const seen = new Set([file]);
    // A set is iterated in the order of its additions, those made meanwhile included.
    for (const at of seen) {
      if (binding.test(at) || starters.has(at)) return true;
      for (const { path } of this.#inputs[at]?.imports ?? []) seen.add(path);
    }
    return false;
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { without: { type: "string", multiple: true } } });
  const patterns = (values.without ?? []).map((pattern) => new RegExp(pattern));
  const files = projectFiles(["test"], [".test.ts"]);
  const { chosen, pure } = await chooseAddonTests(files);
  const kept = chosen.filter((file) => !patterns.some((pattern) => pattern.test(file)));
  const named = chosen.length - kept.length;
  process.stderr.write(
    `${kept.length} of ${files.length} test files: ` +
      `${pure.length} never load the addon, ${named} are left out by name\n`,
  );
  console.log(kept.join("\n"));
}

if (relative(root, process.argv[1] ?? "").endsWith("addon-tests.ts")) await main();
