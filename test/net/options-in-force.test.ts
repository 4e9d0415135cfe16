// Checked options in the form in which a caller writes them.
import { expect, test } from "vitest";
import { optionsInForce } from "../../lib/net/options-in-force.ts";
import {
  parseConnectOptions,
  parseListenArguments,
  type StreamParameters,
} from "../../lib/net/parameters.ts";

const inForce = (options: object) =>
  optionsInForce(parseConnectOptions(options) as unknown as StreamParameters);

test("what was given comes back, with defaults beside it", () => {
  const data = () => {};
  expect(inForce({ data, noDelay: false, localAddress: "::1" })).toMatchObject({
    data,
    noDelay: false,
    localAddress: "::1",
    keepAlive: { idle: 60_000, interval: 10_000, count: 3 },
    socketOptions: {},
  });
  expect(inForce({ keepAlive: false }).keepAlive).toBe(false);
  expect(inForce({ localAddress: "fe80::1%lo" }).localAddress).toBe("fe80::1%lo");
});

test("it can be given again, and means the same", () => {
  const first = inForce({ keepAlive: { idle: 1_001, count: 9 }, localPort: 5 });
  expect(inForce(first)).toEqual(first);
});

test("it is one frozen object for all connections that share the options", () => {
  const parameters = parseConnectOptions({}) as unknown as StreamParameters;
  expect(optionsInForce(parameters)).toBe(optionsInForce(parameters));
  expect(Object.isFrozen(optionsInForce(parameters))).toBe(true);
  expect(Object.isFrozen(optionsInForce(parameters).keepAlive)).toBe(true);
});

test("the handler of a listener is no option of its connections", () => {
  const parameters = parseListenArguments(() => {}) as unknown as StreamParameters;
  expect(optionsInForce(parameters)).not.toHaveProperty("handler");
});
