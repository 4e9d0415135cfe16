// The line of `npm start`.

import { expect, test } from "vitest";
import { Meter } from "../../../lib/cli/start/meter.ts";

test("counts connections, bytes since the last line and in all, and round-trip times", () => {
  const meter = new Meter();
  meter.add(10);
  meter.add(5);
  expect(meter.line(3, [0.3, 0.1, 0.2])).toBe(
    "3 connections, 15 bytes echoed (15 in all), " +
      "round trip 0.100 ms least, 0.200 ms median, 0.300 ms most",
  );
  meter.add(1);
  expect(meter.line(1, [4])).toBe(
    "1 connection, 1 bytes echoed (16 in all), " +
      "round trip 4.000 ms least, 4.000 ms median, 4.000 ms most",
  );
});

test("says nothing of distances where the kernel does not", () => {
  expect(new Meter().line(2, [])).toBe("2 connections, 0 bytes echoed (0 in all)");
});
