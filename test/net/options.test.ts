import { describe, expect, it } from "vitest";
import {
  abortSignal,
  callback,
  choice,
  count,
  duration,
  flag,
  limit,
  portNumber,
  readOptions,
  size,
} from "../../lib/net/options.ts";

const TABLE = { quick: flag(true), wait: duration(5, 1), room: size(10, 1, 100) };

describe("readOptions", () => {
  it("gives every key of the table, in its order", () => {
    expect(readOptions({ room: 7 }, TABLE, "f()")).toEqual({ quick: true, wait: 5, room: 7 });
    expect(Object.keys(readOptions({ room: 7, quick: false }, TABLE, "f()"))).toEqual(
      Object.keys(TABLE),
    );
  });

  it("does not mind what others have put on Object.prototype", () => {
    const prototype = Object.prototype as { each?: number };
    prototype.each = 1;
    const read = [{ room: 7 }, undefined].map((options) => {
      try {
        return readOptions(options, TABLE, "f()");
      } catch (error) {
        return error;
      }
    });
    delete prototype.each;
    expect(read).toEqual([
      { quick: true, wait: 5, room: 7 },
      { quick: true, wait: 5, room: 10 },
    ]);
  });

  it("takes undefined, of the whole and of a key, as not given", () => {
    const initial = { quick: true, wait: 5, room: 10 };
    expect(readOptions(undefined, TABLE, "f()")).toEqual(initial);
    expect(readOptions({ quick: undefined, wait: undefined }, TABLE, "f()")).toEqual(initial);
  });

  it.each([null, 5, "quick", [], () => {}])("refuses %s in place of an object", (input) => {
    expect(() => readOptions(input, TABLE, "f()")).toThrow(
      expect.objectContaining({ name: "TypeError", code: "ERR_INVALID_ARG_TYPE" }),
    );
    expect(() => readOptions(input, TABLE, "f()")).toThrow(/"options of f\(\)" must be an object/);
  });

  it("refuses an unknown key and names the nearest", () => {
    expect(() => readOptions({ quik: true }, TABLE, "f()")).toThrow(
      'Unknown option of f(): "quik"; did you mean "quick"?',
    );
    expect(() => readOptions({ fast: true }, TABLE, "f()", { fast: "quick" })).toThrow(
      /; use quick$/,
    );
  });

  it("reads each key once", () => {
    let reads = 0;
    const sly = {
      get wait() {
        reads++;
        return reads;
      },
    };
    expect(readOptions(sly, TABLE, "f()").wait).toBe(1);
    expect(reads).toBe(1);
  });
});

describe("fields", () => {
  const { signal } = new AbortController();
  const call = () => {};

  it.each([
    [flag(true), false, false],
    [duration(0), 0.5, 1],
    [size(1, 1, 8), 8, 8],
    [count(1, 1, 8), 1, 1],
    [limit(1), 3, 3],
    [limit(1), Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
    [portNumber(0), "80", 80],
    [choice(0, [0, 4, 6]), 6, 6],
    [callback(), call, call],
    [abortSignal(), signal, signal],
  ])("%o reads %s as %s", (field, value, expected) => {
    expect(field.read(value, "x")).toBe(expected);
  });

  it.each([
    [flag(true), 1, "TypeError"],
    [duration(0, 1), 0, "RangeError"],
    [size(1, 1, 8), 9, "RangeError"],
    [count(1, 1, 8), 1.5, "RangeError"],
    [limit(1), 0, "RangeError"],
    [limit(1), 1.5, "RangeError"],
    [limit(1), Number.NaN, "RangeError"],
    [limit(1), Number.NEGATIVE_INFINITY, "RangeError"],
    [limit(1), "5", "TypeError"],
    [portNumber(0), 65_536, "RangeError"],
    [choice(0, [0, 4, 6]), 5, "TypeError"],
    [callback(), "call", "TypeError"],
    [abortSignal(), {}, "TypeError"],
  ])("%o refuses %s with a %s that names the key", (field, value, name) => {
    expect(() => field.read(value, "theKey")).toThrow(expect.objectContaining({ name }));
    expect(() => field.read(value, "theKey")).toThrow(/"theKey"/);
  });
});
