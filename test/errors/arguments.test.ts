import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as args from "../../lib/errors/arguments.ts";

const range = (code = "ERR_OUT_OF_RANGE") => expect.objectContaining({ name: "RangeError", code });
const type = (code = "ERR_INVALID_ARG_TYPE") =>
  expect.objectContaining({ name: "TypeError", code });

describe("requirePort", () => {
  it.each([0, 1, 65_535])("takes %i", (port) => {
    expect(args.requirePort(port)).toBe(port);
  });

  it("takes decimal digits, as from an environment variable", () => {
    expect(args.requirePort("8080")).toBe(8080);
  });

  it.each([-1, 65_536, 1.5, Number.NaN, "65536"])("says RangeError to %s", (port) => {
    expect(() => args.requirePort(port)).toThrow(range());
  });

  it.each([undefined, null, "", " 80", "0x50", "8e1", {}, 80n])("says TypeError to %s", (port) => {
    expect(() => args.requirePort(port, "localPort")).toThrow(type());
    expect(() => args.requirePort(port, "localPort")).toThrow(/"localPort".*0 to 65535/);
  });
});

describe("requireDuration", () => {
  it("is in milliseconds, and fractions round up", () => {
    expect(args.requireDuration(1_500, "t")).toBe(1_500);
    expect(args.requireDuration(0.2, "t")).toBe(1);
    expect(args.requireDuration(0, "t")).toBe(0);
    expect(args.requireDuration(args.MAX_DURATION_MS, "t")).toBe(2 ** 31 - 1);
  });

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31])("says RangeError to %s", (value) => {
    expect(() => args.requireDuration(value, "idleTimeout")).toThrow(range());
    expect(() => args.requireDuration(value, "idleTimeout")).toThrow(/"idleTimeout".*milliseconds/);
  });

  it("has a smallest value where the caller says so", () => {
    expect(() => args.requireDuration(0, "closeTimeout", 1)).toThrow(/1 to 2147483647 milli/);
  });

  it("says TypeError to what is no number", () => {
    expect(() => args.requireDuration("5s", "t")).toThrow(type());
  });
});

describe("requireBytes", () => {
  it("takes whole numbers within the bounds", () => {
    expect(args.requireBytes(0, "min")).toBe(0);
    expect(args.requireBytes(16, "min", 1, 16)).toBe(16);
    expect(() => args.requireBytes(17, "min", 1, 16)).toThrow(/at least 1 and at most 16 bytes/);
    expect(() => args.requireBytes(1.5, "min")).toThrow(range());
    expect(() => args.requireBytes(-1, "min")).toThrow(range());
    expect(() => args.requireBytes("1", "min")).toThrow(type());
  });
});

describe("small validators", () => {
  it("give back what they were given", () => {
    const callback = () => {};
    const { signal } = new AbortController();
    expect(args.requireBoolean(false, "x")).toBe(false);
    expect(args.requireString("", "x")).toBe("");
    expect(args.requireFunction(callback, "x")).toBe(callback);
    expect(args.requireObject({}, "x")).toEqual({});
    expect(args.requireSignal(signal, "x")).toBe(signal);
    expect(args.requireOneOf(6, "family", [0, 4, 6])).toBe(6);
  });

  it.each([
    ["boolean", () => args.requireBoolean(1, "x")],
    ["string", () => args.requireString(1, "x")],
    ["function", () => args.requireFunction({}, "x")],
    ["object", () => args.requireObject(null, "x")],
    ["object, not an array", () => args.requireObject([], "x")],
    ["AbortSignal", () => args.requireSignal({}, "x")],
    ["AbortSignal, not null", () => args.requireSignal(null, "x")],
  ])("say TypeError to what is no %s", (_, call) => {
    expect(call).toThrow(type());
    expect(call).toThrow(/^"x" must be/);
  });

  it("requireOneOf lists what it takes", () => {
    expect(() => args.requireOneOf("v4", "family", [0, 4, "IPv4"])).toThrow(
      /"family" must be one of 0, 4, 'IPv4'\. Received 'v4'/,
    );
  });
});

describe("rejectUnknownKeys", () => {
  const known = new Set(["port", "noDelay", "idleTimeout"]);

  it("lets known keys pass, and inherited ones", () => {
    const inherited = Object.create({ other: 1 }) as object;
    expect(() => args.rejectUnknownKeys({ port: 1 }, known, "connect()")).not.toThrow();
    expect(() => args.rejectUnknownKeys(inherited, known, "connect()")).not.toThrow();
  });

  it("names the key and the nearest known one", () => {
    const call = () => args.rejectUnknownKeys({ nodelay: true }, known, "connect()");
    expect(call).toThrow(type("ERR_INVALID_ARG_VALUE"));
    expect(call).toThrow('Unknown option of connect(): "nodelay"; did you mean "noDelay"?');
  });

  it("names one even where none is near", () => {
    const call = () => args.rejectUnknownKeys({ zzzzzzzzzz: 1 }, known, "connect()");
    expect(call).toThrow(/; the nearest known one is "/);
  });

  it("says what to write instead of another library's key", () => {
    const instead = { keepAliveInitialDelay: "keepAlive: { idle }" };
    expect(() =>
      args.rejectUnknownKeys({ keepAliveInitialDelay: 1 }, known, "connect()", instead),
    ).toThrow(/use keepAlive: \{ idle \}$/);
  });
});

describe("received", () => {
  it.each([
    [undefined, "undefined"],
    [null, "null"],
    [5, "type number (5)"],
    ["a\nb", "'a\\nb'"],
    [5n, "5n"],
    [Symbol("s"), "Symbol(s)"],
    [() => {}, "function"],
    [function named() {}, "function named"],
    [[], "an instance of Array"],
    [new Map(), "an instance of Map"],
    [Object.create(null), "an instance of Object"],
    [{ constructor: { name: 5 } }, "an instance of Object"],
    [{ constructor: { name: "" } }, "an instance of Object"],
  ])("shows %s", (value, text) => {
    expect(args.received(value)).toBe(text);
  });

  it("is short, on one line and never throws, whatever the value", () => {
    const trap = new Proxy(
      {},
      {
        get() {
          throw new Error("trap");
        },
      },
    );
    expect(args.received(trap)).toBe("an instance of Object");
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(args.received(value)).toMatch(/^[^\n\r]{1,720}$/);
      }),
    );
  });
});
