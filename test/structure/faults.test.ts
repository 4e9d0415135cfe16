// The table of test/faults/README.md: it has every behaviour from B1 to B31 over each byte stream,
// and each test that it names exists, and runs over that stream.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

const faults = join(import.meta.dirname, "..", "faults");
const read = (name: string) => readFileSync(join(faults, name), "utf8");

const rows = read("README.md")
  .split("\n")
  .filter((line) => /^\| B\d/.test(line))
  .map((line) => line.split(" | ").map((cell) => cell.replace(/^\| | \|$/g, "").trim()));

const STREAMS = ["Connection", "WebSocket", "Duplex"] as const;

test("it has B1 to B31, each once and in order, over each stream", () => {
  const numbers = rows.map(([behaviour]) => Number(/^B(\d+) /.exec(behaviour ?? "")?.[1]));
  expect(numbers).toEqual(Array.from({ length: 31 }, (_, index) => index + 1));
  for (const row of rows) expect(row).toHaveLength(1 + STREAMS.length);
});

describe.each(rows)("%s", (_behaviour, ...cells) => {
  test.each(STREAMS.map((stream, at) => [stream, cells[at] ?? ""] as const))(
    "over a %s: %s",
    (stream, cell) => {
      const named = [...cell.matchAll(/(\S+\.ts) "([^"]+)"/g)];
      // Without a test it says why there is none.
      if (named.length === 0) expect(cell.length).toBeGreaterThan(20);
      for (const [, file = "", title = ""] of named) {
        expect(existsSync(join(faults, file)), file).toBe(true);
        const text = read(file);
        expect(text, `${file} has no test "${title}..."`).toMatch(titleIn(title));
        const isOnNetwork = !file.startsWith("..") && stream !== "Connection";
        if (isOnNetwork && !title.includes(`a ${stream}`)) {
          expect(groupOf(text, title)).toMatch(new RegExp(`STREAMS|${stream.toUpperCase()}`));
        }
      }
    },
  );
});

const quoted = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
const titleIn = (title: string) => new RegExp(`["\`]${quoted(title)}`);

/** The line that begins the group of scenarios in which a title stands. */
function groupOf(text: string, title: string): string {
  const before = text.slice(0, text.search(titleIn(title)));
  return before.slice(before.lastIndexOf("\nscenarios")).split("{")[0] ?? "";
}
