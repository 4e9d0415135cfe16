// Tokens, lists and extension offers of header fields.

import { expect, test } from "vitest";
import {
  isToken,
  listHasToken,
  parseExtensions,
  parseTokenList,
  trimOws,
} from "../../../lib/websocket/protocol/header-values.ts";

test("tokens are RFC 9110's characters and nothing else", () => {
  for (let unit = 0; unit < 256; unit++) {
    const character = String.fromCharCode(unit);
    const expected = /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(character);
    expect(isToken(character), character).toBe(expected);
  }
  expect(isToken("")).toBe(false);
});

test("white space is spaces and tabs only", () => {
  expect(trimOws(" \t a b\t ")).toBe("a b");
  expect(trimOws("\u00a0a\v")).toBe("\u00a0a\v");
  expect(trimOws("  ")).toBe("");
});

test("a list has a token in any case, and no part of one", () => {
  expect(listHasToken("keep-alive ,\tUpGrade", "upgrade")).toBe(true);
  expect(listHasToken("upgrades, xupgrade", "upgrade")).toBe(false);
});

test("token lists are distinct and complete", () => {
  expect(parseTokenList("a, b ,c")).toEqual(["a", "b", "c"]);
  for (const bad of ["", "a,", ",a", "a b", "a,a", "a;b"])
    expect(parseTokenList(bad), bad).toBeNull();
});

test.each([
  ["a", [{ name: "a", parameters: [] }]],
  ["a;b", [{ name: "a", parameters: [["b", true]] }]],
  [
    "a ; b = c ; d",
    [
      {
        name: "a",
        parameters: [
          ["b", "c"],
          ["d", true],
        ],
      },
    ],
  ],
  ['a; b="c"', [{ name: "a", parameters: [["b", "c"]] }]],
  ['a; b="\\c\\d"', [{ name: "a", parameters: [["b", "cd"]] }]],
  [
    " a , b;c ",
    [
      { name: "a", parameters: [] },
      { name: "b", parameters: [["c", true]] },
    ],
  ],
])("extensions: %j", (text, expected) => {
  expect(parseExtensions(text)).toEqual(expected);
});

test.each([
  "",
  ",",
  "a,",
  "a;",
  "a;;b",
  "a;b=",
  'a;b="',
  'a;b="c',
  'a;b=""',
  'a;b="c d"',
  "a b",
  "a;b c",
  'a;b="c"d',
  "a=b",
  "\u00e9",
  'a;b="\\',
])("malformed extensions: %j", (text) => {
  expect(parseExtensions(text)).toBeNull();
});

test("B46 offers and parameters are bounded", () => {
  const list = (count: number) => Array.from({ length: count }, () => "x").join(",");
  expect(parseExtensions(list(32))?.length).toBe(32);
  expect(parseExtensions(list(33))).toBeNull();
  expect(parseExtensions(`x${";y".repeat(16)}`)?.[0]?.parameters.length).toBe(16);
  expect(parseExtensions(`x${";y".repeat(17)}`)).toBeNull();
});
