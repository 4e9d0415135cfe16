// What close() of a listener takes.
import { expect, test } from "vitest";
import { readCloseOptions } from "../../lib/net/close-options.ts";

test("nothing is a close without drain and without a limit of its own", () => {
  for (const options of [undefined, {}, { timeout: undefined, drain: undefined }]) {
    expect(readCloseOptions(options)).toEqual({ timeout: undefined, drain: false });
  }
  expect(readCloseOptions({ timeout: 0, drain: true })).toEqual({ timeout: 0, drain: true });
});

test.each([
  [{ drian: true }, /drain/],
  [{ drain: 1 }, /"drain"/],
  [{ timeout: "5s" }, /"timeout"/],
  [{ timeout: -1 }, /"timeout"/],
  [5, /"options"/],
])("%j is refused, and the error says what is meant", (options, why) => {
  expect(() => readCloseOptions(options as never)).toThrow(why);
});
