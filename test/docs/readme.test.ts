// That the README shows what the command prints today: the values differ, the lines do not.
// Its programs: test/examples; its links: test/packaging.

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { listen } from "../../lib/index.ts";
import { cleanUpAfterEach, cleanUps, hawser } from "../cli/support.ts";

cleanUpAfterEach();

/** What stands before the value in each line; the phases have their names there. */
const labels = (text: string) =>
  text
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/ {2,}/)[0] as string);

it.skipIf(process.platform !== "linux")(
  "its output of hawser probe has the lines of a real one (Linux's)",
  async () => {
    const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
    const [, shown = ""] = /^ {4}\$ npx hawser probe .*\n((?: {4}.*\n|\n)+)/m.exec(readme) ?? [];
    const listener = await listen("tcp://127.0.0.1:0", { data() {} });
    cleanUps.push(() => listener.close({ timeout: 0 }));
    const run = hawser("probe", `localhost:${listener.port}`, "--family", "4");
    expect(await run.ended()).toBe(0);
    expect(labels(shown)).toEqual(labels(run.out));
    expect(labels(shown)).toContain("round trip");
    expect(shown.trim().split("\n")[0]).toMatch(/^127\.0\.0\.1:7070 from 127\.0\.0\.1:\d+$/);
  },
);
