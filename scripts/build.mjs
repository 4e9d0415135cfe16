// `npm run build [-- native | dist | types]`: makes what is stale.
//   native  build/Release/hawser.node, by cmake-js
//   dist    dist/*.js, by esbuild: one bundle an entry point, shared and lazy parts as chunks
//   types   dist/**/*.d.ts, by tsc
// No policy of tests or checks lives here. setup.mjs asks for native and dist only.
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { lazyParts, partEntryPoints } from "./lazy-parts.mjs";
import { filesUnder, isFresh, stampOf, writeStamp } from "./stamp.mjs";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Each output of dist and the module it is bundled from. */
export const entryPoints = {
  index: "lib/index.ts",
  ws: "lib/ws.ts",
  cli: "lib/cli/main.ts",
  http: "lib/http.ts",
  streams: "lib/streams.ts",
  start: "lib/cli/start.ts",
};

const at = (...parts) => join(root, ...parts);
const nativeOutput = at("build", "Release", "hawser.node");

const steps = {
  native: {
    inputs: () => [
      at("native"),
      at("CMakeLists.txt"),
      at("node_modules", "node-addon-api", "napi.h"),
    ],
    outputs: () => [nativeOutput],
    make: makeNative,
  },
  dist: {
    inputs: () => [at("lib"), at("scripts", "build.mjs"), at("scripts", "lazy-parts.mjs")],
    outputs: () => Object.keys(entryPoints).map((name) => at("dist", `${name}.js`)),
    make: makeDist,
  },
  types: {
    inputs: () => [
      at("lib"),
      at("tsconfig.json"),
      at("tsconfig.types.json"),
      at("scripts", "build.mjs"),
    ],
    outputs: () => [at("dist", "index.d.ts")],
    make: makeTypes,
  },
};

/** The steps whose outputs are older than their inputs. */
export function staleSteps(names = Object.keys(steps)) {
  return names.filter((name) => {
    const step = steps[name];
    return !isFresh(stampFile(name), stampOf(step.inputs()), step.outputs());
  });
}

/** Makes each stale step. Throws a BuildError when one fails. */
export async function build(names = Object.keys(steps)) {
  if (staleSteps(names).length === 0) return;
  const release = await takeLock();
  try {
    for (const name of staleSteps(names)) {
      // Before, so that a file that changes meanwhile is seen the next time.
      const stamp = stampOf(steps[name].inputs());
      await steps[name].make();
      writeStamp(stampFile(name), stamp);
    }
  } finally {
    release();
  }
}

/** A step failed and has said why. */
export class BuildError extends Error {}

function stampFile(name) {
  return at("build", ".stamps", name);
}

function run(what, file, args) {
  const { status, error } = spawnSync(process.execPath, [at("node_modules", file), ...args], {
    cwd: root,
    stdio: "inherit",
  });
  if (error) throw error;
  if (status !== 0) throw new BuildError(`hawser: ${what} failed, see above.`);
}

function makeNative() {
  const options = ["--log-level", "error", "--out", at("build")];
  const cache = at("build", "CMakeCache.txt");
  const configured = statSync(cache, { throwIfNoEntry: false });
  if (!configured || configured.mtimeMs < statSync(at("CMakeLists.txt")).mtimeMs) {
    rmSync(cache, { force: true });
    run("configuring the native build", "cmake-js/bin/cmake-js", ["configure", ...options]);
  }
  const jobs = String(availableParallelism());
  run("the native build", "cmake-js/bin/cmake-js", ["build", "--parallel", jobs, ...options]);
}

async function makeDist() {
  const { build: bundle } = await import("esbuild");
  for (const file of filesUnder(at("dist"))) if (file.endsWith(".js")) rmSync(file);
  try {
    await bundle({
      absWorkingDir: root,
      entryPoints: { ...entryPoints, ...partEntryPoints },
      plugins: [lazyParts(root, entryPoints)],
      outdir: "dist",
      bundle: true,
      splitting: true,
      format: "esm",
      platform: "node",
      target: "node20.19",
      // Half the bytes to read and parse. Names stay, for stack traces.
      minifyWhitespace: true,
      minifySyntax: true,
      // Node prints the line of an exception that nobody catches.
      lineLimit: 160,
      chunkNames: "[name]-[hash]",
      logLevel: "warning",
    });
  } catch {
    throw new BuildError("hawser: bundling dist failed, see above.");
  }
  for (const file of filesUnder(at("dist"))) {
    if (file.endsWith(".js")) writeFileSync(file, withOwnNames(readFileSync(file, "utf8")));
  }
}

// A class that names itself in its body is bundled as `var A=class _A`, and users would read _A
// wherever a class is told by its name. Inside, A is as good.
function withOwnNames(code) {
  const renamed = [...code.matchAll(/\b(\w+)=class _\1\b/g)].map(([, name]) => name);
  return renamed.reduce(
    (text, name) => text.replaceAll(new RegExp(`(?<![\\w$.#])_${name}\\b`, "g"), name),
    code,
  );
}

function makeTypes() {
  for (const file of filesUnder(at("dist"))) if (file.endsWith(".d.ts")) rmSync(file);
  run("writing the types", "typescript/bin/tsc", ["-p", "tsconfig.types.json"]);
  for (const file of filesUnder(at("dist"))) {
    if (!file.endsWith(".d.ts")) continue;
    writeFileSync(file, withoutCommonJsName(withoutImplements(readFileSync(file, "utf8"))));
  }
}

// What require() gives is the default export's type as well; under this name API Extractor, and
// TypeScript before 5.8, cannot read it.
function withoutCommonJsName(declarations) {
  return declarations.replace(/(?:\w+ as )?"module\.exports",?\s*/g, "");
}

// What is @internal is stripped, and a class that says it implements an interface by such members
// would then be an error at its users. The clause means nothing in a declaration.
function withoutImplements(declarations) {
  return declarations.replace(
    /^((?:export )?declare (?:abstract )?class [^{]*?) implements [^{]*\{/gm,
    "$1 {",
  );
}

// Two commands started at once must not build into one folder. The lock is a folder, since making
// one is atomic, and names its owner, so that one left behind by a killed build is recognised.
const lockPollMs = 100;
async function takeLock() {
  const lock = at("build", ".lock");
  mkdirSync(at("build"), { recursive: true });
  for (;;) {
    try {
      mkdirSync(lock);
      writeFileSync(join(lock, String(process.pid)), "");
      return () => rmSync(lock, { recursive: true, force: true });
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    const owner = existsSync(lock) ? Number(readdirSync(lock)[0] ?? 0) : 0;
    if (owner > 0 && !isRunning(owner)) rmSync(lock, { recursive: true, force: true });
    await new Promise((resolve) => setTimeout(resolve, lockPollMs));
  }
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const wanted = process.argv.slice(2);
  const unknown = wanted.find((name) => !Object.hasOwn(steps, name));
  if (unknown !== undefined) {
    console.error(`hawser: no such part "${unknown}"; there are ${Object.keys(steps).join(", ")}.`);
    process.exit(2);
  }
  try {
    await build(wanted.length > 0 ? wanted : undefined);
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}
