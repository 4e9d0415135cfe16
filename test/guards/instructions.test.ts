// The instructions that the native core spends in one turn, counted by a simulator (callgrind of
// valgrind(1)) and held against instructions.json. The kernel's own are not counted, so a number is
// the same in every run: one compiler gives one number, and a change of more than the margin, up
// or down, is a change of the code that the budget must follow. Not here: times (bench/).

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { cleanEnvironment, root, timeLimitMs } from "./support.ts";

/** Turns of the two runs whose difference counts: what is done once drops out. */
const TURNS = [100, 200] as const;
/** A number of the compiler that wrote the budget may be off by this share. */
const MARGIN = 0.03;
/** Of another compiler only growth is refused, beyond this share. */
const MARGIN_ELSEWHERE = 0.25;

interface Budget {
  readonly about: string;
  readonly compiler: string;
  readonly instructionsPerTurn: Readonly<Record<string, number>>;
}

const budgetFile = join(import.meta.dirname, "instructions.json");
const budget = JSON.parse(readFileSync(budgetFile, "utf8")) as Budget;

/** Each scenario of native/turns.cc, and the messages that it echoes in a turn. */
const scenarios: readonly (readonly [name: string, messages: number])[] = [
  ["idle-turn", 0],
  ["one-message", 1],
  ["hundred-sockets", 100],
  ["sixteen-pipelined", 16],
  ["sixty-four-datagrams", 64],
];

const compiler = process.env["CXX"] ?? "c++";
const env = cleanEnvironment();
const machine = spawnSync(compiler, ["-dumpmachine"], { encoding: "utf8", env }).stdout?.trim();
const asked = ["-dM", "-E", "-x", "c++", "-"];
const macros = spawnSync(compiler, asked, { input: "", env }).stdout ?? "";
const kind = String(macros).includes("__clang_major__") ? "clang" : "gcc";
const major = /__(?:clang_major|GNUC)__ (\d+)/.exec(
  String(macros)
    .split("\n")
    .filter((line) => line.includes(kind === "clang" ? "__clang_major__" : "__GNUC__"))
    .join("\n"),
)?.[1];
const here = `${kind} ${major} for ${machine}`;

const program = join(root, "build", "guards", "turns");

/** Instructions within Reactor::Turn of one run. */
function instructions(scenario: string, turns: number): number {
  const result = spawnSync(
    "valgrind",
    [
      "--tool=callgrind",
      "--callgrind-out-file=/dev/null",
      "--toggle-collect=hawser::Reactor::Turn()",
      program,
      scenario,
      String(turns),
    ],
    // Bound at the start, so that no turn pays for finding a function.
    { encoding: "utf8", env: { ...env, LD_BIND_NOW: "1" } },
  );
  expect(result.status, result.stderr).toBe(0);
  return Number(/Collected : (\d+)/.exec(result.stderr)?.[1]);
}

function perTurn(scenario: string): number {
  const [few, many] = TURNS;
  return (instructions(scenario, many) - instructions(scenario, few)) / (many - few);
}

const hasValgrind = spawnSync("valgrind", ["--version"], { env }).status === 0;
const missing = hasValgrind ? "" : " (skipped: valgrind is not installed)";

// Valgrind has no port to macOS on arm64; Linux guards the same code.
describe.runIf(hasValgrind)(`instructions of a turn, ${here}${missing}`, () => {
  const measured: Record<string, number> = {};
  const updates = process.env["HAWSER_UPDATE_GUARDS"] === "1";

  beforeAll(() => {
    // What is counted is the very library that the addon of this clone was linked from.
    const library = join(root, "build", "libhawser_core.a");
    expect(existsSync(library), "build/libhawser_core.a: npm run build makes it").toBe(true);
    mkdirSync(join(root, "build", "guards"), { recursive: true });
    const source = join(import.meta.dirname, "native", "turns.cc");
    const args = ["-std=c++17", "-O2", "-fno-exceptions", "-I", join(root, "native")];
    const built = spawnSync(compiler, [...args, source, library, "-o", program], {
      encoding: "utf8",
      env,
    });
    expect(built.status, built.stderr).toBe(0);
  }, timeLimitMs);

  test.each(scenarios)(
    "%s",
    (scenario, messages) => {
      const count = perTurn(scenario);
      measured[scenario] = count;
      if (updates) return;
      const wanted = budget.instructionsPerTurn[scenario] ?? Number.NaN;
      const each = messages > 0 ? `, ${Math.round(count / messages)} a message` : "";
      const told = `${count} instructions a turn${each}; the budget says ${wanted}`;
      const same = here === budget.compiler;
      const most = wanted * (1 + (same ? MARGIN : MARGIN_ELSEWHERE));
      expect(count, told).toBeLessThanOrEqual(most);
      // Below it, too: a budget that is too wide guards nothing. Write the lower number.
      expect(count, told).toBeGreaterThanOrEqual(same ? wanted * (1 - MARGIN) : 1);
    },
    timeLimitMs,
  );

  test("the same turns are the same number of instructions", { timeout: timeLimitMs }, () => {
    expect(instructions("one-message", 100)).toBe(instructions("one-message", 100));
  });

  test("every scenario has a budget, and no budget is left over", () => {
    if (updates) {
      const next = { about: budget.about, compiler: here, instructionsPerTurn: measured };
      writeFileSync(budgetFile, `${JSON.stringify(next, null, 2)}\n`);
      return;
    }
    expect(Object.keys(budget.instructionsPerTurn)).toEqual(scenarios.map(([name]) => name));
  });
});
