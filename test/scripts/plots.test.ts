// The plots of docs/dead-peers.md: each is drawn from the data beside it, and the page shows it.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { CASES, type Outcome } from "../../scripts/plots/cases.ts";
import { draw, isRight, type PlotData, verdictOf } from "../../scripts/plots/draw.ts";

const docs = join(import.meta.dirname, "..", "..", "docs");
const read = (...parts: string[]) => readFileSync(join(docs, ...parts), "utf8");

const told: Outcome = { who: "a & b", toldAfter: 3.25, code: "ETIMEDOUT", reason: null };
const untold: Outcome = { who: "c", toldAfter: null, code: null, reason: null };

describe.each(CASES)("$name", ({ name, title, isDead, contestants }) => {
  const data = JSON.parse(read("plots", `${name}.json`)) as PlotData;

  test("is drawn from its data", () => {
    expect(read("plots", `${name}.svg`)).toBe(draw(data));
  });

  test("has what the case has", () => {
    expect(data).toMatchObject({ name, title, isDead });
    expect(data.outcomes.map(({ who }) => who)).toEqual(Object.keys(contestants));
  });

  test("stands on the page", () => {
    expect(read("dead-peers.md")).toContain(`](plots/${name}.svg)`);
  });
});

describe("a drawing", () => {
  const data = {
    name: "x",
    title: "a < b",
    isDead: true,
    watchedSeconds: 20,
    node: "v20",
    kernel: "6",
    outcomes: [told, untold],
  };

  test("escapes, marks what is right, and knows light and dark", () => {
    const svg = draw(data);
    expect(svg).toContain("<title>a &lt; b</title>");
    expect(svg).toContain("a &amp; b");
    expect(svg.match(/class="right"/g)).toHaveLength(1);
    expect(svg.match(/class="wrong"/g)).toHaveLength(1);
    expect(svg).toContain("prefers-color-scheme: dark");
  });

  test("says when and why, or that there was nothing", () => {
    expect(verdictOf(told, 20)).toBe("3.3 s: ETIMEDOUT");
    expect(verdictOf({ ...told, reason: "PEER_UNREACHABLE" }, 20)).toBe("3.3 s: PEER_UNREACHABLE");
    expect(verdictOf(untold, 20)).toBe("nothing in 20 s");
  });

  test("a live peer is to be left alone, or told apart", () => {
    expect(isRight(told, true)).toBe(true);
    expect(isRight(told, false)).toBe(false);
    expect(isRight(untold, false)).toBe(true);
    expect(isRight({ ...told, reason: "SEND_STALLED" }, false)).toBe(true);
  });
});
