// What `npm start` and `npm test` do first, on a fresh clone as on a built one: looks for Node, a
// compiler and CMake, installs the dependencies, builds what is stale. Plain Node without
// dependencies, since nothing is installed yet. With the path of a module as its argument it then
// runs that module in this process, so that signals and the exit code are the module's own.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { BuildError, build, root, staleSteps } from "./build.mjs";

const leastCMake = [3, 19];

/** Each tool: whether it works, and the one sentence to say when it does not. */
const tools = {
  compiler: {
    works: () => compiles(process.env.CXX || "c++"),
    sentence:
      "hawser needs a C++17 compiler (g++ 8 or later, clang 7 or later): " +
      "install build-essential on Debian and Ubuntu, gcc-c++ on Fedora, build-base on Alpine, " +
      "or run `xcode-select --install` on macOS.",
  },
  cmake: {
    works: () => cmakeIsRecent(),
    sentence:
      `hawser needs CMake ${leastCMake.join(".")} or later: ` +
      "install the package cmake on Debian, Ubuntu, Fedora, Alpine and macOS (Homebrew).",
  },
  make: {
    works: () => succeeds("ninja", ["--version"]) || succeeds("make", ["--version"]),
    sentence:
      "hawser needs make or Ninja for CMake to drive: " +
      "install the package make on Debian, Ubuntu, Fedora and Alpine, " +
      "or run `xcode-select --install` on macOS.",
  },
};

class SetupError extends Error {}

function setUp() {
  requireSystem();
  const installs = !dependenciesAreInstalled();
  // Asked before installing, since a download that ends in a missing compiler helps nobody.
  if (installs || staleSteps(["native"]).length > 0) requireTools();
  if (installs) installDependencies();
  return build(["native", "dist"]);
}

function requireSystem() {
  if (process.platform !== "linux" && process.platform !== "darwin") {
    throw new SetupError(
      `hawser supports Linux and macOS, not ${process.platform}; on Windows use WSL.`,
    );
  }
  if (process.versions.bun || process.versions.deno) {
    throw new SetupError("hawser needs Node.js: Bun and Deno do not run its native part yet.");
  }
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const supported = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22;
  if (!supported) {
    throw new SetupError(
      `hawser needs Node.js 20.19, 22.12 or later, and this is ${process.versions.node}: ` +
        "install the package nodejs of your system in such a version, or take it from nodejs.org.",
    );
  }
}

function requireTools() {
  const missing = Object.values(tools).filter((tool) => !tool.works());
  if (missing.length > 0) throw new SetupError(missing.map((tool) => tool.sentence).join("\n"));
}

function compiles(compiler) {
  const args = ["-std=c++17", "-x", "c++", "-fsyntax-only", "-"];
  return succeeds(compiler, args, "#include <string_view>\nstd::string_view view;\n");
}

function cmakeIsRecent() {
  const { status, stdout } = spawnSync("cmake", ["--version"], { encoding: "utf8" });
  if (status !== 0) return false;
  const [major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(stdout) ?? []).slice(1).map(Number);
  return major > leastCMake[0] || (major === leastCMake[0] && minor >= leastCMake[1]);
}

function succeeds(command, args, input = "") {
  return spawnSync(command, args, { input, stdio: ["pipe", "ignore", "ignore"] }).status === 0;
}

// By content and not by date: npm writes the two files in no fixed order, and git touches one.
function dependenciesAreInstalled() {
  const installed = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(installed)) return false;
  const wanted = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
  const have = JSON.parse(readFileSync(installed, "utf8")).packages;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === "" || (entry.optional && !have[path])) return true;
    return have[path]?.version === entry.version && existsSync(join(root, path));
  });
}

function installDependencies() {
  // npm says where it lives; without npm (`node scripts/setup.mjs`) the one on the path is meant.
  const npm = process.env.npm_execpath;
  const args = ["ci", "--include=dev", "--no-audit", "--no-fund"];
  const options = { cwd: root, stdio: "inherit" };
  const { status } = npm?.endsWith(".js")
    ? spawnSync(process.execPath, [npm, ...args], options)
    : spawnSync("npm", args, options);
  if (status !== 0) throw new SetupError("hawser: `npm ci` failed, see above.");
}

try {
  await setUp();
} catch (error) {
  if (!(error instanceof SetupError || error instanceof BuildError)) throw error;
  console.error(error.message);
  process.exit(1);
}

// A terminal sends Ctrl-C to npm and to this process, and npm passes its own on as well: what comes
// within this time is the same one. A later one ends a service that does not end.
const sameInterruptMs = 500;
function interruptOnce() {
  let first;
  process.on("SIGINT", () => {
    const handled = process.listenerCount("SIGINT") > 1;
    if (!handled && (first === undefined || performance.now() - first > sameInterruptMs)) {
      process.exit(130);
    }
    first ??= performance.now();
  });
}

const [next, ...rest] = process.argv.slice(2);
if (next !== undefined) {
  interruptOnce();
  const path = resolve(root, next);
  process.argv = [process.execPath, path, ...rest];
  await import(pathToFileURL(path).href);
}
