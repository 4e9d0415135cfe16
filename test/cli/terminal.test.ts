import { afterEach, expect, it, vi } from "vitest";
import { bar, bytes, duration, palette, place, plot, table } from "../../lib/cli/terminal.ts";

afterEach(() => vi.unstubAllEnvs());

it("a bar begins and ends in proportion, and is never invisible", () => {
  expect(bar(0, 100, 100, 10)).toBe("██████████");
  expect(bar(50, 100, 100, 10)).toBe("     █████");
  expect(bar(0, 5, 100, 10)).toBe("▌");
  expect(bar(0, 0, 100, 10)).toBe("▏");
  expect(bar(0, 0, 0, 10)).toBe("");
});

it("a plot spans the least to the most of what it shows", () => {
  expect(plot([0, 1, 2, 3, 4, 5, 6, 7], 8)).toBe("▁▂▃▄▅▆▇█");
  expect(plot([100, 0, 7], 2)).toBe("▁█");
  expect(plot([3, 3], 8)).toBe("▁▁");
  expect(plot([], 8)).toBe("");
});

it.each([
  [0, "0 µs"],
  [0.24, "240 µs"],
  [0.9994, "999 µs"],
  [0.9996, "1.00 ms"],
  [45, "45.0 ms"],
  [999.6, "1.00 s"],
  [3_200, "3.20 s"],
])("%f ms is written as %s", (ms, text) => {
  expect(duration(ms)).toBe(text);
});

it.each([
  [0, "0 B"],
  [1_023, "1023 B"],
  [1_536, "1.5 KiB"],
  [5 * 1_024 ** 4, "5.0 TiB"],
  [5_000 * 1_024 ** 4, "5000.0 TiB"],
])("%d bytes are written as %s", (count, text) => {
  expect(bytes(count)).toBe(text);
});

it.each([
  [{ address: "127.0.0.1", port: 80 }, "127.0.0.1:80"],
  [{ address: "::1", port: 80 }, "[::1]:80"],
  [{ address: "/run/socket", port: undefined }, "/run/socket"],
  [{ address: "@name", port: 0 }, "@name"],
  [{ address: undefined, port: undefined }, ""],
])("%j is at %j", (at, text) => {
  expect(place(at)).toBe(text);
});

it("a table's columns are as wide as their widest cell", () => {
  expect(
    table([
      ["a", "bbb", "c"],
      ["aa", "b", ""],
    ]),
  ).toBe("a   bbb  c\naa  b");
});

it.each([
  ["0", "x"],
  ["false", "x"],
  ["1", "\u001b[31mx\u001b[39m"],
  ["", "\u001b[31mx\u001b[39m"],
])("FORCE_COLOR=%s decides, whatever the stream is", (value, expected) => {
  vi.stubEnv("FORCE_COLOR", value);
  const terminal = { isTTY: true, hasColors: () => true } as never;
  const file = { isTTY: false } as never;
  expect([palette(terminal).bad("x"), palette(file).bad("x")]).toEqual([expected, expected]);
});

it("colours only go to a terminal", () => {
  vi.stubEnv("FORCE_COLOR", undefined);
  expect(palette(process.stdout).bad("x")).toBe(process.stdout.isTTY ? expect.anything() : "x");
  const terminal = { isTTY: true, hasColors: () => true } as never;
  expect(palette(terminal).bad("x")).toBe("\u001b[31mx\u001b[39m");
  const dumb = { isTTY: true, hasColors: () => false } as never;
  expect(palette(dumb).bad("x")).toBe("x");
});
