// What a caller of connect() wants with paths.
import { AsyncLocalStorage } from "node:async_hooks";
import { describe, expect, test } from "vitest";
import { parseEndpoint } from "../../../lib/net/endpoint.ts";
import { parseConnectOptions } from "../../../lib/net/parameters.ts";
import { pathWishes } from "../../../lib/net/paths/wishes.ts";

const wishes = (endpoint: string, options: object) =>
  pathWishes(parseEndpoint(endpoint, "connect"), parseConnectOptions(options));

const TCP = "tcp://127.0.0.1:9";
const UNIX = "unix:/run/s";
const typeError = expect.objectContaining({ name: "TypeError", code: "ERR_INVALID_ARG_VALUE" });

describe("pathWishes", () => {
  test.each([{}, { prohibitedInterfaces: [] }, { waitForConnectivity: true, data() {} }])(
    "%j asks for nothing",
    (options) => {
      expect(wishes(TCP, options)).toBeNull();
    },
  );

  test.each([
    { prohibitedInterfaces: ["eth0"] },
    { requiredInterfaceKind: "wired" },
    { viabilityTimeout: 1 },
    { viable() {} },
    { betterPath() {} },
  ])("%o asks for something", (options) => {
    expect(wishes(TCP, options)).toMatchObject(options);
  });

  test("callbacks keep the async context of the caller", () => {
    const storage = new AsyncLocalStorage<string>();
    const viable = () => storage.getStore();
    const bound = storage.run("kept", () => wishes(TCP, { viable }));
    expect(bound?.viable?.(undefined as never, true)).toBe("kept");
    expect(wishes(TCP, { viable })?.viable).toBe(viable);
  });

  test("a Unix socket has no path: nothing to follow, and no rules to keep", () => {
    expect(wishes(UNIX, { viable() {}, betterPath() {}, viabilityTimeout: 5 })).toBeNull();
    expect(() => wishes(UNIX, { prohibitedInterfaces: ["lo"] })).toThrow(typeError);
    expect(() => wishes(UNIX, { prohibitedInterfaces: ["lo"] })).toThrow(/"prohibitedInterfaces"/);
    expect(() => wishes(UNIX, { requiredInterfaceKind: "loopback" })).toThrow(/Unix socket/);
  });
});
