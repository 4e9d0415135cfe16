// The presets (lib/net/presets.ts) are options that connect() takes, and are what they say.
import { describe, expect, test } from "vitest";
import { livenessLimits } from "../../lib/net/liveness.ts";
import { parseConnectOptions } from "../../lib/net/parameters.ts";
import { presets } from "../../lib/net/presets.ts";

describe.each(["lan", "internet"] as const)("%s", (name) => {
  const preset = presets[name];

  test("is taken by connect(), and what stands beside it wins", () => {
    const parameters = parseConnectOptions({ ...preset, dropTimeout: 1_234 });
    expect(parameters).toMatchObject({ dropTimeout: 1_234, stallTimeout: preset.stallTimeout });
  });

  test("cannot be changed for everybody", () => {
    expect(Object.isFrozen(presets)).toBe(true);
    expect(Object.isFrozen(preset)).toBe(true);
    expect(Object.isFrozen(preset.keepAlive)).toBe(true);
  });

  test("drops no sooner than it waits for one more segment, and stalls last", () => {
    const { idleMs, askMs, dropMs, stallMs } = livenessLimits(parseConnectOptions(preset));
    expect(dropMs).toBeLessThanOrEqual(idleMs + askMs);
    expect(stallMs).toBeGreaterThan(idleMs + askMs);
  });
});

test("lan: a silent peer is dead within 16 s", () => {
  const { idleMs, askMs } = livenessLimits(parseConnectOptions(presets.lan));
  expect(idleMs + askMs).toBe(16_000);
});
