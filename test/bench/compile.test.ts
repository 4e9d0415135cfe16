import { describe, expect, test } from "vitest";
import { compile, isStale } from "../../bench/harness/compile.ts";

describe("a compiled bench program", () => {
  test("is stale when missing or older than any source", () => {
    expect(isStale(null, [1])).toBe(true);
    expect(isStale(5, [1, 6])).toBe(true);
    expect(isStale(5, [1, 5])).toBe(false);
  });

  test("that has no source is an error that names the file", async () => {
    await expect(compile("no_such_program")).rejects.toThrow("bench/c/no_such_program.c");
  });
});
