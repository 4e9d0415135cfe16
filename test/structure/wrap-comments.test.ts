// What `npm run fix` does to comments that are too long.
import { expect, test } from "vitest";
import { wrapComments } from "../../scripts/wrap-comments.ts";

const words = (count: number) => Array.from({ length: count }, () => "word").join(" ");

test("what is too much moves to the next line of the paragraph", () => {
  expect(wrapComments(`// ${words(20)}\n// end.\nlet a;`)).toBe(
    `// ${words(19)}\n// word end.\nlet a;`,
  );
});

test("it moves on while lines overflow", () => {
  const wrapped = wrapComments(`  // ${words(40)}\n  // ${words(19)}\n`);
  expect(wrapped.split("\n").every((line) => line.length <= 100)).toBe(true);
  expect(wrapped.replace(/[\s/]+/g, " ").trim()).toBe(words(59));
});

test("a paragraph that ends there gets a line of its own", () => {
  expect(wrapComments(`  // ${words(20)}\n  let a;`)).toBe(
    `  // ${words(19)}\n  // word\n  let a;`,
  );
});

test("a list item, a tag or an example below is not joined", () => {
  for (const below of ["// - an item", "//   npm test", "// 1. first"]) {
    expect(wrapComments(`// ${words(20)}\n${below}`)).toBe(`// ${words(19)}\n// word\n${below}`);
  }
  expect(wrapComments(` * ${words(20)}\n * @throws it`)).toBe(
    ` * ${words(19)}\n * word\n * @throws it`,
  );
});

test("a docstring on one line gets lines of its own", () => {
  expect(wrapComments(`  /** ${words(19)} */\n  let a;`)).toBe(
    `  /**\n   * ${words(19)}\n   */\n  let a;`,
  );
  expect(wrapComments(`/** ${words(20)} */`)).toBe(`/**\n * ${words(19)}\n * word\n */`);
});

test("code, links, tables and lines that fit are left alone", () => {
  const left = [
    `const text = "${words(30)}";`,
    `// https://example.org/${"x".repeat(100)} ${words(5)}`,
    ` * | ${words(30)} |`,
    `// ${"x".repeat(120)}`,
    `// ${words(19)}`,
  ].join("\n");
  expect(wrapComments(left)).toBe(left);
});
