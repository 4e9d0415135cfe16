// Peers: packages that hawser is measured against. They are installed here on demand, each in a
// folder of its own that is not in git, never as dependencies of the package.
import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { PEERS } from "./paths.ts";
import { UnavailableError } from "./processes.ts";

const run = promisify(execFile);
const INSTALL_TIMEOUT_MS = 300_000;

/** Peer name to the packages that make it. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  bun: ["bun@^1.4"],
  deno: ["deno@^2.9"],
  ws: ["ws@^8.23", "bufferutil@^4.1"],
  // undici 8 wants Node 22.
  undici: [Number(process.versions.node.split(".")[0]) >= 22 ? "undici@^8" : "undici@^7"],
};

/** Every name `--peers` takes. */
export const PEER_NAMES = ["node", "bun", "deno", "ws", "undici", "uws"] as const;
export type PeerName = (typeof PEER_NAMES)[number];

/** The folder a peer's packages are in. */
export function peerFolder(peer: string): string {
  return join(PEERS, peer);
}

async function install(peer: string, packages: readonly string[]): Promise<void> {
  const folder = peerFolder(peer);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "package.json"), '{ "private": true }\n');
  const args = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  try {
    await run("npm", [...args, ...packages], { cwd: folder, timeout: INSTALL_TIMEOUT_MS });
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    const said = (error as { stderr?: string }).stderr?.trim().split("\n")[0];
    throw new UnavailableError(`npm could not install ${packages.join(" and ")}: ${said ?? ""}`);
  }
}

const installing = new Map<string, Promise<void>>();

/**
 * Makes sure that a peer's packages are there.
 * @throws UnavailableError where npm cannot install them.
 */
export function ensurePeer(peer: string): Promise<void> {
  const packages = PACKAGES[peer];
  if (packages === undefined || existsSync(join(peerFolder(peer), "node_modules"))) {
    return Promise.resolve();
  }
  const known = installing.get(peer);
  if (known !== undefined) return known;
  const started = install(peer, packages);
  installing.set(peer, started);
  return started;
}

/** The binary itself, not the script that starts it: the script would be another process. */
function findBinary(peer: string, scope: string, inside: string): string {
  const folder = join(peerFolder(peer), "node_modules", scope);
  const candidates = existsSync(folder)
    ? readdirSync(folder).map((name) => join(folder, name, inside))
    : [];
  const found = candidates.find((path) => existsSync(path));
  if (found === undefined) {
    throw new UnavailableError(`npm's ${peer} has no binary for ${process.platform} here`);
  }
  return found;
}

/** Bun's executable. @throws UnavailableError */
export async function bunBinary(): Promise<string> {
  await ensurePeer("bun");
  return findBinary("bun", "@oven", "bin/bun");
}

/** Deno's executable. @throws UnavailableError */
export async function denoBinary(): Promise<string> {
  await ensurePeer("deno");
  return findBinary("deno", "@deno", "deno");
}

/** Versions of what is installed, by package. */
export function installedVersions(): Record<string, string> {
  const versions: Record<string, string> = {};
  for (const [peer, packages] of Object.entries(PACKAGES)) {
    for (const specifier of packages) {
      const name = specifier.slice(0, specifier.lastIndexOf("@"));
      const path = join(peerFolder(peer), "node_modules", name, "package.json");
      if (!existsSync(path)) continue;
      versions[name] = String(JSON.parse(readFileSync(path, "utf8")).version);
    }
  }
  return versions;
}

/** The entry of a uWebSockets.js package named by a path. @throws UnavailableError */
export function uwsEntry(path: string | null): string {
  if (path === null) throw new UnavailableError("name a uWebSockets.js package with --uws PATH");
  const folder = path.endsWith(".js") ? dirname(path) : path;
  const entry = join(folder, "uws.js");
  if (!existsSync(entry)) throw new UnavailableError(`there is no uws.js in ${folder}`);
  return entry;
}
