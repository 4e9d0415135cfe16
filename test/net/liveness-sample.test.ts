// What the addon wrote, in the terms of the rule (lib/net/liveness-sample.ts), for both systems.
import { describe, expect, test } from "vitest";
import {
  SAMPLE_BYTES_ACKNOWLEDGED,
  SAMPLE_FIELD_COUNT,
  SAMPLE_PROBES,
  SAMPLE_SEND_BUFFER_BYTES,
  SAMPLE_SEND_WINDOW_BYTES,
  SAMPLE_SINCE_ACKNOWLEDGMENT_MS,
  SAMPLE_SINCE_DATA_RECEIVED_MS,
  SAMPLE_STATE,
  SAMPLE_UNACKNOWLEDGED_SEGMENTS,
  SAMPLE_UNSENT_BYTES,
} from "../../lib/binding/samples.ts";
import { readSample } from "../../lib/net/liveness-sample.ts";

function fields(values: Readonly<Record<number, number>>, at = 0): Float64Array {
  const out = new Float64Array(at + SAMPLE_FIELD_COUNT).fill(Number.NaN);
  for (const [index, value] of Object.entries(values)) out[at + Number(index)] = value;
  return out;
}

const LINUX = {
  [SAMPLE_STATE]: 1,
  [SAMPLE_UNACKNOWLEDGED_SEGMENTS]: 2,
  [SAMPLE_UNSENT_BYTES]: 300,
  [SAMPLE_PROBES]: 4,
  [SAMPLE_BYTES_ACKNOWLEDGED]: 5_000,
  [SAMPLE_SEND_WINDOW_BYTES]: 6_000,
  [SAMPLE_SINCE_DATA_RECEIVED_MS]: 70,
  [SAMPLE_SINCE_ACKNOWLEDGMENT_MS]: 80,
};

describe("Linux", () => {
  test("B12 U, N, P, A, W and H are taken as they are, H from whichever is nearer", () => {
    const expected = {
      isOpen: true,
      unacknowledged: 2,
      unsentBytes: 300,
      probes: 4,
      acknowledgedBytes: 5_000,
      windowBytes: 6_000,
      silentMs: 70,
    };
    expect(readSample(fields(LINUX), 0, 9_999, "linux")).toEqual(expected);
    const second = fields({ ...LINUX, [SAMPLE_SINCE_DATA_RECEIVED_MS]: 90 }, 9);
    expect(readSample(second, 9, 0, "linux")).toEqual({ ...expected, silentMs: 80 });
  });

  test.each([
    ["ESTABLISHED", 1, true],
    ["SYN_SENT", 2, false],
    ["SYN_RECV", 3, false],
    ["FIN_WAIT1", 4, true],
    ["FIN_WAIT2", 5, true],
    ["CLOSE", 7, false],
    ["CLOSE_WAIT", 8, true],
    ["LAST_ACK", 9, true],
    ["CLOSING", 11, true],
    ["NEW_SYN_RECV", 12, false],
  ])("B12 in %s its times mean something or not", (_, state, isOpen) => {
    const sample = readSample(fields({ ...LINUX, [SAMPLE_STATE]: state }), 0, 0, "linux");
    expect(sample?.isOpen).toBe(isOpen);
  });
});

describe("XNU", () => {
  const XNU = { [SAMPLE_STATE]: 4, [SAMPLE_SEND_BUFFER_BYTES]: 300, [SAMPLE_SEND_WINDOW_BYTES]: 9 };

  test("B12 progress is what was handed over less what is still in the send buffer", () => {
    expect(readSample(fields(XNU), 0, 1_000, "darwin")).toEqual({
      isOpen: true,
      unacknowledged: 300,
      unsentBytes: 300,
      probes: Number.NaN,
      acknowledgedBytes: 700,
      windowBytes: 9,
      silentMs: Number.NaN,
    });
  });

  test("B12 behind a closed window nothing is on its way", () => {
    const closed = readSample(
      fields({ ...XNU, [SAMPLE_SEND_WINDOW_BYTES]: 0 }),
      0,
      1_000,
      "darwin",
    );
    expect(closed).toMatchObject({ unacknowledged: 0, unsentBytes: 300, windowBytes: 0 });
  });

  test.each([
    ["SYN_SENT", 2, false],
    ["SYN_RECV", 3, false],
    ["ESTABLISHED", 4, true],
    ["FIN_WAIT2", 9, true],
  ])("B12 in %s the connection is open or not", (_, state, isOpen) => {
    const sample = readSample(fields({ ...XNU, [SAMPLE_STATE]: state }), 0, 0, "darwin");
    expect(sample?.isOpen).toBe(isOpen);
  });
});

test.each(["linux", "darwin"] as const)(
  "%s: a socket that could not be asked has none",
  (system) => {
    expect(readSample(fields({ [SAMPLE_STATE]: -9 }), 0, 0, system)).toBeUndefined();
    expect(readSample(fields({}), 0, 0, system)).toBeUndefined();
  },
);
