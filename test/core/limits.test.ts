import { describe, expect, it } from "vitest";
import * as limits from "../../lib/core/limits.ts";

const all = Object.entries(limits).flatMap(([name, value]) =>
  typeof value === "number" ? [[name, value] as const] : [],
);

const UNITS = [
  ...["BYTES", "MS", "COUNT", "LENGTH", "FACTOR", "SHARE"],
  ...["DESCRIPTORS", "CANDIDATES", "BLOCKS", "PER_MESSAGE", "PER_ITERATION"],
];
const UNIT = new RegExp(`_(${UNITS.join("|")})$|^(MAX_)?BACKLOG$`);

describe("limits", () => {
  it.each(all)("%s is a whole number that says its unit, %i", (name, value) => {
    expect(Number.isSafeInteger(value)).toBe(true);
    expect(value).toBeGreaterThanOrEqual(0);
    expect(name).toMatch(UNIT);
  });

  it("leave room for what they bound", () => {
    expect(limits.COPY_THRESHOLD_BYTES).toBeLessThan(limits.OWNED_BLOCK_BYTES);
    expect(limits.OWNED_BLOCK_BYTES).toBeLessThan(limits.RECEIVE_HIGH_WATER_MARK_BYTES);
    expect(limits.MAX_RECEIVE_MIN_BYTES).toBeLessThan(limits.MAX_HIGH_WATER_MARK_BYTES);
    expect(limits.MIN_ACCEPT_BACKOFF_MS).toBeLessThan(limits.MAX_ACCEPT_BACKOFF_MS);
  });

  it("B3 keep to the bounds of RFC 8305, section 5", () => {
    const delayMs = limits.HAPPY_EYEBALLS_DELAY_MS;
    expect(delayMs).toBeGreaterThanOrEqual(limits.MIN_HAPPY_EYEBALLS_DELAY_MS);
    expect(delayMs).toBeLessThanOrEqual(limits.MAX_HAPPY_EYEBALLS_DELAY_MS);
  });

  it("B8 have keepalive values that the kernels take", () => {
    for (const ms of [limits.KEEPALIVE_IDLE_MS, limits.KEEPALIVE_INTERVAL_MS]) {
      expect(ms % 1_000).toBe(0);
      expect(ms).toBeGreaterThanOrEqual(limits.MIN_KEEPALIVE_MS);
      expect(ms).toBeLessThanOrEqual(limits.MAX_KEEPALIVE_MS);
    }
    expect(limits.KEEPALIVE_COUNT).toBeLessThanOrEqual(limits.MAX_KEEPALIVE_COUNT);
  });
});
