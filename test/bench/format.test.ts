import { describe, expect, test } from "vitest";
import {
  formatDuration,
  formatNumber,
  formatRatio,
  formatTable,
  formatValue,
} from "../../bench/harness/format.ts";

describe("numbers", () => {
  test.each([
    [0.01234, "0.012"],
    [0.5, "0.50"],
    [4.567, "4.57"],
    [45.67, "45.7"],
    [1234.5, "1,235"],
    [-45.67, "-45.7"],
  ])("%s is shown as %s", (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });

  test.each([
    [4_500, "ns", "4.50 µs"],
    [0, "ns", "0.000 ns"],
    [2.5e9, "ns", "2.50 s"],
    [123_456.7, "per-second", "123,457/s"],
    [1536, "bytes", "1.50 KiB"],
    [3 * 2 ** 30, "bytes-per-second", "3.00 GiB/s"],
    [Number.NaN, "ns", "-"],
  ] as const)("%s %s is shown as %s", (value, unit, text) => {
    expect(formatValue(value, unit)).toBe(text);
  });

  test("ratios show their interval", () => {
    expect(formatRatio({ value: 1.071, low: 1.049, high: 1.091 })).toBe("1.07 (1.05-1.09)");
    expect(formatRatio({ value: 0.0411, low: 0.04, high: 0.05 })).toBe("0.041 (0.040-0.050)");
  });

  test.each([
    [900, "1 s"],
    [59_400, "59 s"],
    [200_000, "3 min 20 s"],
    [7_260_000, "2 h 1 min"],
    [-5, "0 s"],
  ])("%d ms is %s", (milliseconds, text) => {
    expect(formatDuration(milliseconds)).toBe(text);
  });
});

describe("tables", () => {
  test("are as wide as their longest cell, aligned, without trailing blanks", () => {
    const lines = formatTable(
      [
        { title: "subject", align: "left" },
        { title: "n", align: "right" },
        { title: "", align: "left" },
      ],
      [
        ["C", "1", ""],
        ["hawser, lent", "1,000", "x"],
      ],
    );
    expect(lines).toEqual([
      "subject           n",
      "------------  -----  -",
      "C                 1",
      "hawser, lent  1,000  x",
    ]);
  });
});
