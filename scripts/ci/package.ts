// Packs what was built, publishes it to a registry on loopback and installs it as a user would,
// with npm 11 and npm 12, in an empty folder on a path without a compiler. Nothing may run at the
// installation and nothing may be warned of; then an echo goes round, imported and required.
//   node --import tsx scripts/ci/package.ts
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Registry, startRegistry } from "../../test/packaging/registry.ts";
import { fetchTool } from "../cache.ts";
import { root, run } from "../run.ts";

const hooks = ["preinstall", "install", "postinstall"];
const clients = ["echo.mjs", "echo.cjs"];

interface Installer {
  readonly npm: "npm11" | "npm12";
  readonly node: string;
}

let passed = 0;
let failed = 0;

function expect(what: string, holds: boolean, detail = ""): void {
  if (holds) passed++;
  else failed++;
  console.log(`${holds ? "ok  " : "FAIL"} ${what}${holds ? "" : `\n${detail}`}`);
}

/** An environment in which npm and Node see nothing of this machine's own configuration. */
function cleanEnvironment(home: string, path: string, registry: string): NodeJS.ProcessEnv {
  const userconfig = join(home, ".npmrc");
  // npm publishes only with some token; the registry looks at none.
  writeFileSync(userconfig, `registry=${registry}\n${registry.slice(5)}:_authToken=none\n`);
  return {
    HOME: home,
    PATH: path,
    npm_config_userconfig: userconfig,
    npm_config_globalconfig: join(home, "no-global-npmrc"),
    npm_config_cache: join(home, "cache"),
    npm_config_update_notifier: "false",
  };
}

/** A folder for PATH that has Node, npm and a shell (which an install script would run in). */
function pathFolder(home: string, node: string, npm: string): string {
  const folder = join(home, "bin");
  mkdirSync(folder);
  symlinkSync(node, join(folder, "node"));
  symlinkSync("/bin/sh", join(folder, "sh"));
  writeFileSync(join(folder, "npm"), `#!/bin/sh\nexec "${node}" "${npm}" "$@"\n`);
  chmodSync(join(folder, "npm"), 0o755);
  return folder;
}

async function publish(registry: Registry, folder: string): Promise<void> {
  const home = join(folder, "publisher");
  mkdirSync(home);
  const path = process.env.PATH ?? "";
  const env = cleanEnvironment(home, path, registry.url);
  const { code, output } = await run("npm", ["publish", root, "--access=public"], {
    cwd: home,
    env,
  });
  expect("npm publishes the package", code === 0, output);
  const [version] = Object.values(registry.published.get("hawser")?.versions ?? {});
  expect("it is published", version !== undefined);
  const scripts = hooks.filter((hook) => version?.scripts?.[hook]);
  expect("its document has no install script", scripts.length === 0, scripts.join());
  expect("its document does not ask for node-gyp", version?.gypfile !== true);
}

async function installAndRun(registry: Registry, folder: string, { npm, node }: Installer) {
  const npmCli = join(await fetchTool(npm), "npm", "bin", "npm-cli.js");
  const home = join(folder, npm);
  const app = join(home, "app");
  mkdirSync(app, { recursive: true });
  const bin = pathFolder(home, node, npmCli);
  const env = cleanEnvironment(home, bin, registry.url);
  const versions = await run(join(bin, "npm"), ["--version"], { cwd: app, env });
  const who = `npm ${versions.output.trim()}`;

  const args = ["install", "hawser", "--no-audit", "--no-fund", "--foreground-scripts"];
  const install = await run(join(bin, "npm"), args, { cwd: app, env });
  expect(`${who} installs it without a compiler`, install.code === 0, install.output);
  expect(`${who} warns of nothing`, !/warn|script/i.test(install.output), install.output);

  const lock = JSON.parse(readFileSync(join(app, "package-lock.json"), "utf8"));
  const entry = lock.packages["node_modules/hawser"];
  expect(`${who} saw no install script`, entry !== undefined && !entry.hasInstallScript);
  const installed = join(app, "node_modules", "hawser");
  expect(`${who}: no binding.gyp and no build`, !existsSync(join(installed, "binding.gyp")));
  expect(`${who}: nothing was built`, !existsSync(join(installed, "build")));

  for (const client of clients) {
    copyFileSync(join(root, "test", "packaging", "installed", client), join(app, client));
    const { code, output } = await run(join(bin, "node"), [client], { cwd: app, env });
    expect(`${who}: ${output.trim().split("\n").at(-1)}`, code === 0, output);
    expect(`${who}: ${client} warns of nothing`, !/warning/i.test(output), output);
  }
}

/** For npm 12, which wants a newer Node than the oldest that the package runs on. */
async function newerNode(): Promise<string> {
  return join(await fetchTool("nodes"), "n24", "bin", "node");
}

const folder = mkdtempSync(join(tmpdir(), "hawser-package-"));
const registry = await startRegistry();
try {
  await publish(registry, folder);
  await installAndRun(registry, folder, { npm: "npm11", node: process.execPath });
  await installAndRun(registry, folder, { npm: "npm12", node: await newerNode() });
} finally {
  await registry.close();
  rmSync(folder, { recursive: true, force: true });
}
const results = process.env.HAWSER_CI_RESULTS;
if (results) writeFileSync(join(results, "package.counts"), `${passed} ${failed} 0\n`);
if (failed > 0) process.exitCode = 1;
