// `hawser completions` in the shells that it is for.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { COMMANDS } from "../../lib/cli/completions.ts";
import { foreignEnvironment } from "../support/environment.ts";
import { cleanUpAfterEach, hawser } from "./support.ts";

cleanUpAfterEach();

const env = foreignEnvironment();
const has = (shell: string) => spawnSync(shell, ["-c", "true"], { env }).status === 0;
const without = (shell: string) => (has(shell) ? "" : ` (skipped: needs ${shell})`);
const folder = mkdtempSync(join(tmpdir(), "completions-"));
afterAll(() => rmSync(folder, { recursive: true }));

const SHELLS = ["bash", "zsh", "fish"];
const script = (shell: string) => join(folder, shell);
beforeAll(async () => {
  for (const shell of SHELLS) {
    const run = hawser("completions", shell);
    expect(await run.ended()).toBe(0);
    writeFileSync(script(shell), run.out);
  }
});

/** What a shell says that was given a program. */
function runs(shell: string, args: readonly string[], program: string): string {
  const { stdout, stderr } = spawnSync(shell, [...args, "-c", program], { env, encoding: "utf8" });
  expect(stderr).toBe("");
  return stdout;
}

/** What bash, or what stands in for it in zsh, would offer for the last of the words. */
const offer = (words: readonly string[]) =>
  [
    `COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")})`,
    `COMP_CWORD=${words.length - 1}`,
    "_hawser",
    `printf "%s\\n" "\${COMPREPLY[@]}"`,
  ].join("\n");

const ways: Readonly<Record<string, (words: readonly string[]) => string[]>> = {
  bash: (words) => {
    const program = `source ${script("bash")}\n${offer(words)}`;
    return runs("bash", ["--norc"], program).split("\n").filter(Boolean);
  },
  fish: (words) => {
    const program = `source ${script("fish")}; complete -C '${words.join(" ")}'`;
    const lines = runs("fish", ["--no-config"], program).split("\n").filter(Boolean);
    // A description may follow.
    return lines.map((line) => line.split("\t")[0] as string);
  },
};

describe.each(Object.keys(ways))("%s", (shell) => {
  const offered = ways[shell] as (words: readonly string[]) => string[];
  const test = it.skipIf(!has(shell));

  test(`offers the commands${without(shell)}`, () => {
    expect(offered(["hawser", "p"]).sort()).toEqual(["paths", "probe"]);
    expect(offered(["hawser", ""])).toEqual(expect.arrayContaining(Object.keys(COMMANDS)));
  });

  test(`offers each command its own flags, and no others${without(shell)}`, () => {
    for (const [command, flags] of Object.entries(COMMANDS)) {
      const expected = [...Object.keys(flags), "help"].map((flag) => `--${flag}`);
      expect([command, ...offered(["hawser", command, "--"]).sort()]).toEqual([
        command,
        ...expected.sort(),
      ]);
    }
  });

  test(`offers what a flag or a command takes${without(shell)}`, () => {
    expect(offered(["hawser", "help", "ud"])).toEqual(["udp"]);
    expect(offered(["hawser", "completions", ""])).toEqual(expect.arrayContaining(SHELLS));
    expect(offered(["hawser", "options", "TCP_NOD"])).toEqual(["TCP_NODELAY"]);
    expect(offered(["hawser", "connect", "--family", ""]).sort()).toEqual(["4", "6"]);
    expect(offered(["hawser", "probe", "h:1", "--option", "TCP_MAXS"])).toEqual(["TCP_MAXSEG="]);
    expect(offered(["hawser", "connect", "--ca", `${folder}/ba`])).toEqual([`${folder}/bash`]);
  });
});

describe("zsh", () => {
  it.skipIf(!has("zsh"))(`takes the script, and knows who completes${without("zsh")}`, () => {
    const program = `autoload -Uz compinit; compinit -u -D
      source ${script("zsh")}; echo $_comps[hawser]`;
    expect(runs("zsh", ["-f"], program)).toMatch(/_bash_complete .*_hawser/);
  });
});
