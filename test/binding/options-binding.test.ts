// The addon's functions on socket options, called as nobody should call them: they neither throw
// nor
// crash, and answer a number. That the right arguments work, the tests of lib/socket/ show.

import { constants } from "node:os";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { native } from "../../lib/binding/native.ts";
import { OPTIONS } from "../../lib/socket/option-table.ts";
import { TCP_INFO_FIELD_COUNT } from "../../lib/socket/tcp-info-table.ts";
import { closeAll, fresh } from "../socket/raw-sockets.ts";

afterEach(closeAll);

type Anything = (...values: unknown[]) => unknown;
const functions = {
  getOption: native.getOption as Anything,
  setOption: native.setOption as Anything,
  getTcpInfo: native.getTcpInfo as Anything,
};
const EINVAL = -constants.errno.EINVAL;
const { index: KEEPALIVE } = OPTIONS.SO_KEEPALIVE;
const { index: LINGER } = OPTIONS.SO_LINGER;
const { index: TYPE } = OPTIONS.SO_TYPE;

const hostile: readonly unknown[] = [
  undefined,
  null,
  true,
  "0",
  0n,
  -1,
  0.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2 ** 31,
  2 ** 53,
  -(2 ** 63),
  1e308,
  Symbol("x"),
  () => 1,
  {},
  [],
  new Date(0),
  new Proxy([], {}),
  new Proxy(
    {},
    {
      get() {
        throw new Error("trap");
      },
    },
  ),
  new Uint8Array(4),
  new Float64Array(1),
  new Float64Array(TCP_INFO_FIELD_COUNT - 1),
  new Float32Array(1_000),
  new ArrayBuffer(8),
  Object.freeze([]),
];

describe("the binding survives", () => {
  it("any three arguments, and answers a number", () => {
    const socket = fresh("tcp4");
    const value = fc.oneof(
      fc.constantFrom(...hostile),
      fc.anything(),
      fc.integer(),
      fc.double(),
      fc.integer({ min: -2, max: Object.keys(OPTIONS).length + 2 }),
    );
    // No descriptor of the test process's own but this one.
    const descriptor = fc.oneof(
      fc.constant(socket.fd),
      fc.constantFrom(...hostile),
      fc.integer({ min: 2 ** 20 }),
      fc.integer({ max: -1 }),
    );
    for (const [name, call] of Object.entries(functions)) {
      fc.assert(
        fc.property(descriptor, value, value, (first, second, third) => {
          const result = call(first, second, third);
          expect(result, name).toBeTypeOf("number");
        }),
        { numRuns: 2_000 },
      );
    }
  });

  it("too few and too many arguments", () => {
    for (const call of Object.values(functions)) {
      expect(call()).toBe(EINVAL);
      expect(call(fresh("tcp4").fd)).toBe(EINVAL);
    }
    const result: unknown[] = [];
    expect(functions.getOption(fresh("tcp4").fd, TYPE, result, 4, 5, 6)).toBe(0);
    expect(result).toEqual([1]);
  });

  it("a descriptor that is no number of a descriptor", () => {
    const out = new Float64Array(TCP_INFO_FIELD_COUNT);
    const close = hostile.filter((one) => one !== undefined);
    for (const bad of [...close, -1, 2 ** 31, 0.5]) {
      expect(functions.getOption(bad, TYPE, [])).toBe(EINVAL);
      expect(functions.setOption(bad, KEEPALIVE, true)).toBe(EINVAL);
      expect(functions.getTcpInfo(bad, out)).toBe(EINVAL);
    }
  });

  it("a value whose getters throw, and leaves no exception behind", () => {
    const trap = {
      get enabled(): never {
        throw new Error("trap");
      },
    };
    const { fd } = fresh("tcp4");
    expect(functions.setOption(fd, LINGER, trap)).toBe(EINVAL);
    expect(functions.setOption(fd, LINGER, { enabled: true, seconds: -1 })).toBe(
      -constants.errno.ERANGE,
    );
    expect(functions.setOption(fd, LINGER, { enabled: true, seconds: 2 })).toBe(0);
  });

  it("a result array that refuses its element", () => {
    const { fd } = fresh("tcp4");
    const frozen = Object.freeze([]) as unknown as unknown[];
    expect(functions.getOption(fd, TYPE, frozen)).toBeTypeOf("number");
    expect(frozen).toEqual([]);
    const trap = Object.defineProperty([], 0, {
      set() {
        throw new Error("trap");
      },
    });
    expect(functions.getOption(fd, TYPE, trap)).toBe(EINVAL);
  });

  it("an array of numbers that was detached, is too short or is of another type", () => {
    const { fd } = fresh("tcp4");
    const detached = new Float64Array(TCP_INFO_FIELD_COUNT);
    structuredClone(detached.buffer, { transfer: [detached.buffer] });
    expect(functions.getTcpInfo(fd, detached)).toBe(EINVAL);
    expect(functions.getTcpInfo(fd, new Float64Array(TCP_INFO_FIELD_COUNT - 1))).toBe(EINVAL);
    expect(functions.getTcpInfo(fd, new Float32Array(TCP_INFO_FIELD_COUNT))).toBe(EINVAL);
    expect(functions.getTcpInfo(fd, new DataView(new ArrayBuffer(4_096)))).toBe(EINVAL);
  });

  it("nothing is written beyond the fields", () => {
    const { fd } = fresh("tcp4");
    const out = new Float64Array(TCP_INFO_FIELD_COUNT + 2).fill(-7);
    expect(functions.getTcpInfo(fd, out.subarray(1))).toBe(TCP_INFO_FIELD_COUNT);
    expect([out[0], out[TCP_INFO_FIELD_COUNT + 1]]).toEqual([-7, -7]);
    expect(out.subarray(1, TCP_INFO_FIELD_COUNT + 1).includes(-7)).toBe(false);
  });
});
