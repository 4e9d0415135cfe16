import { describe, expect, expectTypeOf, it } from "vitest";
import { INSTEAD, parseConnectOptions, parseListenArguments } from "../../lib/net/parameters.ts";
import type { ConnectOptions, ListenOptions } from "../../lib/net/types.ts";

const typeError = expect.objectContaining({ name: "TypeError" });
const rangeError = expect.objectContaining({ name: "RangeError", code: "ERR_OUT_OF_RANGE" });

describe("parseConnectOptions", () => {
  it("has the defaults of the documentation", () => {
    expect(parseConnectOptions()).toEqual({
      noDelay: true,
      keepAlive: { idleSeconds: 60, intervalSeconds: 10, count: 3 },
      dropTimeout: 0,
      stallTimeout: 600_000,
      idleTimeout: 0,
      closeTimeout: 30_000,
      connectTimeout: 0,
      receiveHighWaterMark: 65_536,
      sendHighWaterMark: 65_536,
      allowHalfOpen: false,
      lend: false,
      reuseAddr: false,
      reusePort: false,
      waitForConnectivity: false,
      family: 0,
      localPort: 0,
      socketOptions: [],
      interface: undefined,
      lookup: undefined,
      signal: undefined,
      localAddress: undefined,
      open: undefined,
      data: undefined,
      drain: undefined,
      end: undefined,
      close: undefined,
      state: undefined,
      prohibitedInterfaces: [],
      requiredInterfaceKind: undefined,
      viabilityTimeout: 0,
      viable: undefined,
      betterPath: undefined,
    });
  });

  it("knows every key of the public type, and no other", () => {
    type Keys = keyof ReturnType<typeof parseConnectOptions>;
    expectTypeOf<Keys>().toEqualTypeOf<keyof ConnectOptions>();
  });

  it("B7 cannot be changed afterwards, nor by changing the object it was read from", () => {
    const options = { noDelay: false, socketOptions: { SO_MARK: 1 } };
    const parameters = parseConnectOptions(options);
    options.noDelay = true;
    options.socketOptions.SO_MARK = 2;
    expect(parameters).toMatchObject({ noDelay: false, socketOptions: [["SO_MARK", 1]] });
    expect(Object.isFrozen(parameters)).toBe(true);
    expect(Object.isFrozen(parameters.keepAlive)).toBe(true);
    expect(Object.isFrozen(parameters.socketOptions)).toBe(true);
  });

  it.each([
    [{}, { idleSeconds: 60, intervalSeconds: 10, count: 3 }],
    [{ idle: 1_000 }, { idleSeconds: 1, intervalSeconds: 10, count: 3 }],
    [
      { idle: 1_001, interval: 2_500, count: 5 },
      { idleSeconds: 2, intervalSeconds: 3, count: 5 },
    ],
    [false, null],
    [undefined, { idleSeconds: 60, intervalSeconds: 10, count: 3 }],
  ])("B8 keepAlive %j rounds up to whole seconds", (keepAlive, expected) => {
    expect(parseConnectOptions({ keepAlive }).keepAlive).toEqual(expected);
  });

  it.each([{ idle: 60 }, { interval: 999 }, { idle: Number.NaN }, { idle: 32_767_001 }])(
    "B8 keepAlive %j is a RangeError that says the unit is milliseconds",
    (keepAlive) => {
      expect(() => parseConnectOptions({ keepAlive })).toThrow(rangeError);
      expect(() => parseConnectOptions({ keepAlive })).toThrow(
        /"keepAlive\.(idle|interval)".*the unit is milliseconds, so that 60 seconds are 60000/,
      );
    },
  );

  it.each([
    [{ keepAlive: true }, /"keepAlive" must be an object \{ idle, interval, count \}/],
    [{ keepAlive: { idel: 5_000 } }, /option of keepAlive: "idel"; did you mean "idle"/],
    [{ keepAlive: { idle: "60s" } }, /"keepAlive.idle" must be a duration in milliseconds/],
    [{ nodelay: true }, /did you mean "noDelay"/],
    [{ timeout: 5 }, /use idleTimeout, or connectTimeout/],
    [{ keepAliveInitialDelay: 5 }, /use keepAlive: \{ idle \}/],
    [{ backlog: 5 }, /option of connect\(\): "backlog"/],
    [{ noDelay: 1 }, /"noDelay" must be of type boolean/],
    [{ connectTimeout: "5s" }, /"connectTimeout" must be a duration in milliseconds/],
    [{ family: "IPv4" }, /"family" must be one of 0, 4, 6/],
    [{ lookup: {} }, /"lookup" must be of type function/],
    [{ data: true }, /"data" must be of type function/],
    [{ signal: {} }, /"signal" must be an AbortSignal/],
    [{ lend: true }, /"lend" must go with the data callback/],
    [{ localAddress: "localhost" }, /"localAddress" must be an IP address/],
    [{ localAddress: 5 }, /"localAddress" must be of type string/],
    [{ localAddress: "127.0.0.1", family: 6 }, /"localAddress" must be of family 6/],
    [{ interface: "" }, /"interface" must be an interface/],
    [{ interface: "a/b" }, /"interface" must be an interface/],
    [{ interface: true }, /"interface" must be an interface/],
    [{ prohibitedInterfaces: "eth0" }, /"prohibitedInterfaces" must be an array of interfaces/],
    [{ prohibitedInterfaces: ["eth0", ""] }, /"prohibitedInterfaces\[1\]" must be an interface/],
    [{ prohibitedInterfaces: [true] }, /"prohibitedInterfaces\[0\]" must be an interface/],
    [{ requiredInterfaceKind: "wifi" }, /"requiredInterfaceKind" must be one of 'wired', /],
    [{ viable: true }, /"viable" must be of type function/],
    [{ socketOptions: [] }, /"socketOptions" must be an object/],
    [{ socketOptions: { SO_MARK: null } }, /"SO_MARK" must be of type number/],
    [{ socketOptions: { SO_MARC: 1 } }, /socket option: "SO_MARC"; did you mean "SO_MARK"/],
    [{ socketOptions: { SO_ERROR: 1 } }, /"SO_ERROR" can only be read/],
    [{ socketOptions: { toString: 1 } }, /socket option: "toString"/],
    ["noDelay", /must be an object/],
    [null, /must be an object/],
  ])("says TypeError to %j", (options, message) => {
    expect(() => parseConnectOptions(options)).toThrow(typeError);
    expect(() => parseConnectOptions(options)).toThrow(message);
  });

  it.each([
    { connectTimeout: -1 },
    { idleTimeout: Number.POSITIVE_INFINITY },
    { closeTimeout: 0 },
    { receiveHighWaterMark: 0 },
    { sendHighWaterMark: 1.5 },
    { localPort: 65_536 },
    { interface: 0 },
    { prohibitedInterfaces: [0] },
    { viabilityTimeout: -1 },
    { keepAlive: { count: 0 } },
    { keepAlive: { count: 128 } },
  ])("says RangeError to %j", (options) => {
    expect(() => parseConnectOptions(options)).toThrow(rangeError);
  });

  it("reads localAddress as an address, in any of its forms", () => {
    const local = (localAddress: string) => parseConnectOptions({ localAddress }).localAddress;
    expect(local("[::1]")).toMatchObject({ kind: "ipv6", host: "::1" });
    expect(local("fe80::1%eth0")).toMatchObject({ host: "fe80::1", zone: "eth0" });
    expect(local("::ffff:127.0.0.1")).toMatchObject({ kind: "ipv4", host: "127.0.0.1" });
    expect(parseConnectOptions({ localAddress: "::1", family: 6 }).family).toBe(6);
  });

  it("keeps raw socket options in their order, and leaves out undefined", () => {
    const linger = { enabled: true, seconds: 0 };
    const socketOptions = { SO_MARK: 1, SO_PRIORITY: undefined, SO_LINGER: linger };
    expect(parseConnectOptions({ socketOptions }).socketOptions).toEqual([
      ["SO_MARK", 1],
      ["SO_LINGER", linger],
    ]);
  });

  it("keeps the rules about interfaces, whatever becomes of the list it was given", () => {
    const prohibitedInterfaces = ["eth0", 3];
    const parameters = parseConnectOptions({
      prohibitedInterfaces,
      requiredInterfaceKind: "wireless",
      viabilityTimeout: 5_000,
    });
    prohibitedInterfaces.pop();
    expect(parameters).toMatchObject({
      prohibitedInterfaces: ["eth0", 3],
      requiredInterfaceKind: "wireless",
      viabilityTimeout: 5_000,
    });
    expect(Object.isFrozen(parameters.prohibitedInterfaces)).toBe(true);
  });

  it("keeps the callbacks", () => {
    const data = () => {};
    expect(parseConnectOptions({ data, lend: true })).toMatchObject({ data, lend: true });
  });
});

describe("parseListenArguments", () => {
  it("has the defaults of the documentation", () => {
    expect(parseListenArguments()).toMatchObject({
      backlog: undefined,
      ipv6Only: false,
      reuseAddr: true,
      reusePort: false,
      maxConnections: Number.POSITIVE_INFINITY,
      newConnectionLimit: Number.POSITIVE_INFINITY,
      error: undefined,
      handler: undefined,
    });
  });

  it("knows every key of the public type, and no other", () => {
    type Keys = Exclude<keyof ReturnType<typeof parseListenArguments>, "handler">;
    expectTypeOf<Keys>().toEqualTypeOf<keyof ListenOptions>();
  });

  it("takes the handler last, with or without options", () => {
    const handler = () => {};
    expect(parseListenArguments(handler).handler).toBe(handler);
    expect(parseListenArguments({ backlog: 5 }, handler)).toMatchObject({ backlog: 5, handler });
    expect(parseListenArguments(undefined, handler).handler).toBe(handler);
    expect(parseListenArguments({ backlog: 5 }).handler).toBeUndefined();
  });

  it("refuses a handler that is none, or not the last", () => {
    expect(() => parseListenArguments({}, {})).toThrow(/"handler" must be of type function/);
    expect(() => parseListenArguments(() => {}, {})).toThrow(/"handler" must be the last argument/);
    expect(() => parseListenArguments({}, null)).toThrow(typeError);
  });

  it("B27 takes credits and a most of connections", () => {
    expect(parseListenArguments({ newConnectionLimit: 0, maxConnections: 1 })).toMatchObject({
      newConnectionLimit: 0,
      maxConnections: 1,
    });
    expect(() => parseListenArguments({ newConnectionLimit: -1 })).toThrow(rangeError);
    expect(() => parseListenArguments({ maxConnections: 0 })).toThrow(rangeError);
  });

  it("names listen() in the error about an unknown key", () => {
    expect(() => parseListenArguments({ localPort: 5 })).toThrow(
      /Unknown option of listen\(\): "localPort"/,
    );
  });

  it("lends only to a data callback", () => {
    expect(() => parseListenArguments({ lend: true }, () => {})).toThrow(typeError);
    expect(parseListenArguments({ lend: true, data() {} }).lend).toBe(true);
  });
});

describe("advice about other libraries' keys", () => {
  it("is about no key that is known here", () => {
    const known = { ...parseConnectOptions(), ...parseListenArguments() };
    for (const key of Object.keys(INSTEAD)) expect(known).not.toHaveProperty(key);
  });
});
