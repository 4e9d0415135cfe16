// B21: a connection that is dropped without close() is closed and told of; one that somebody has,
// or waits for, is not.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { DROP_ORIGINS_COUNT } from "../../lib/core/limits.ts";

const program = join(import.meta.dirname, "dropped-program.ts");

async function run(scenario: string): Promise<unknown> {
  const args = ["--import", "tsx", program, scenario];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout);
}

describe("B21 a connection", () => {
  test("that is dropped is closed after what it had to send, and told with where it was made", async () => {
    expect(await run("dropped")).toEqual({
      ended: 1,
      // The accepted end is still closing, or gone; ours is gone.
      openSlots: expect.toSatisfy((open: number) => open <= 1),
      bytesRead: "kept until it is sent".length,
      warnings: [
        {
          message: expect.stringMatching(
            /^the connection to 127\.0\.0\.1:\d+ was dropped without close\(\), and is closed now$/,
          ),
          code: "HAWSER_DROPPED_CONNECTION",
          detail: expect.stringContaining("dropped-program.ts"),
        },
      ],
    });
  });

  test("of which many are made at once: all are told, with the place of the first hundred", async () => {
    const { warnings, noted, others } = (await run("many at once")) as Record<string, number>;
    expect(warnings).toBe(300);
    expect(noted).toBeGreaterThanOrEqual(DROP_ORIGINS_COUNT);
    expect(others).toBe(300 - (noted as number));
    expect(others).toBeGreaterThan(0);
  });

  test("that an iteration waits for is not dropped, though nobody else has it", async () => {
    expect(await run("awaited")).toEqual({ got: ["answer", "end"], warnings: [] });
  });

  test("whose end somebody waits for is not dropped", async () => {
    expect(await run("watched for its end")).toEqual({ told: ["peer"], warnings: [] });
  });

  test("that is held and idle gets what comes, and works on", async () => {
    expect(await run("held and idle")).toEqual({
      received: "late",
      error: null,
      bytesRead: "and back".length,
      warnings: [],
    });
  });

  test("with callbacks is not dropped: they are called", async () => {
    expect(await run("with callbacks")).toEqual({ got: ["heard"], warnings: [] });
  });
});
