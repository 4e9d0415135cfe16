// The arithmetic in the C headers, by small programs made for the test.
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { C_SOURCES } from "../../bench/harness/paths.ts";

const HISTOGRAM = `
#include "histogram.h"
#include <stdlib.h>
int main(int argc, char** argv) {
  static histogram_t histogram;
  for (int i = 1; i < argc; i++) histogram_add(&histogram, strtoull(argv[i], NULL, 10));
  printf("{");
  histogram_print(&histogram);
  printf("}");
}`;

const WEBSOCKET = `
#include "websocket.h"
int main(int argc, char** argv) {
  uint8_t digest[SHA1_BYTES];
  char text[32];
  sha1(argv[1], strlen(argv[1]), digest);
  base64(digest, sizeof digest, text);
  utf8_t state = {0};
  bool valid = true;
  for (int i = 2; i < argc; i++) {
    uint8_t byte = (uint8_t)strtoul(argv[i], NULL, 16);
    valid = valid && utf8_check(&state, &byte, 1);
  }
  printf("{\\"sha1\\":\\"%s\\",\\"utf8\\":%s}", text,
         valid && state.needed == 0 ? "true" : "false");
}`;

let folder = "";

function build(name: string, source: string): string {
  const program = join(folder, name);
  const args = ["-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Werror", "-fsanitize=undefined"];
  const compiler = process.env.CC ?? "cc";
  const all = [...args, "-I", C_SOURCES, "-x", "c", "-o", program, "-"];
  execFileSync(compiler, all, { input: `#include <stdlib.h>\n${source}` });
  return program;
}

function runJson(program: string, ...args: string[]): Record<string, unknown> {
  const { stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
  expect(stderr).toBe("");
  return JSON.parse(stdout);
}

let histogram = "";
let websocket = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "hawser-bench-"));
  histogram = build("histogram", HISTOGRAM);
  websocket = build("websocket", WEBSOCKET);
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Latency {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

describe("the histogram", () => {
  test("gives back each value to within 0.8 %, whatever its size", () => {
    for (let value = 1; value < 1e12; value = Math.ceil(value * 3.7)) {
      const { latency } = runJson(histogram, String(value)) as { latency: Latency };
      expect(Math.abs(latency.p50 - value) / value).toBeLessThanOrEqual(0.008);
      expect(latency.max).toBe(value);
    }
  });

  test("counts ranks from the smallest value that is not exceeded", () => {
    const values = Array.from({ length: 100 }, (_, index) => String(index + 1));
    const { latency } = runJson(histogram, ...values) as { latency: Latency };
    expect(latency).toMatchObject({ count: 100, p50: 50, p99: 99, max: 100 });
  });

  test("keeps what is beyond its range in its last bucket, and the maximum as it was", () => {
    const { latency } = runJson(histogram, "4000000000000") as { latency: Latency };
    expect(latency.max).toBe(4e12);
    expect(latency.p50).toBeGreaterThan(1e12);
  });

  test("of nothing is all zero", () => {
    const { latency } = runJson(histogram) as { latency: Latency };
    expect(latency).toMatchObject({ count: 0, p50: 0, max: 0 });
  });
});

describe("SHA-1 and base64", () => {
  test.each([0, 1, 2, 54, 55, 56, 60, 63, 64, 100, 119])("of %d bytes", (length) => {
    const text = "x".repeat(length);
    const expected = createHash("sha1").update(text).digest("base64");
    expect(runJson(websocket, text).sha1).toBe(expected);
  });
});

describe("UTF-8, a byte at a time", () => {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const judge = (bytes: Uint8Array) => {
    try {
      decoder.decode(bytes);
      return true;
    } catch {
      return false;
    }
  };

  test.each([
    "41",
    "c2 80",
    "c1 bf",
    "c0 80",
    "e0 a0 80",
    "e0 9f bf",
    "ed 9f bf",
    "ed a0 80",
    "ef bf bf",
    "f0 90 80 80",
    "f0 8f bf bf",
    "f4 8f bf bf",
    "f4 90 80 80",
    "f5 80 80 80",
    "80",
    "e2 82",
    "41 e2 82 ac 42",
  ])("judges %s as TextDecoder does", (text) => {
    const bytes = text.split(" ");
    const expected = judge(Uint8Array.from(bytes, (byte) => Number.parseInt(byte, 16)));
    expect(runJson(websocket, "", ...bytes).utf8).toBe(expected);
  });
});
