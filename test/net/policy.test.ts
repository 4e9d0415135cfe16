// What connections know for all their lives.
import { AsyncLocalStorage } from "node:async_hooks";
import { expect, test } from "vitest";
import { parseConnectOptions, type StreamParameters } from "../../lib/net/parameters.ts";
import { makePolicy } from "../../lib/net/policy.ts";

const policyOf = (options: object) =>
  makePolicy(parseConnectOptions(options) as unknown as StreamParameters, "tcp", null);

test("policies have one shape, whatever was asked for", () => {
  const keys = Object.keys(policyOf({}));
  expect(Object.keys(policyOf({ data() {}, lend: true, idleTimeout: 5 }))).toEqual(keys);
});

test("callbacks are the caller's own, unless there is a context to keep", () => {
  const data = () => storage.getStore();
  const storage = new AsyncLocalStorage<string>();
  expect(policyOf({ data }).data).toBe(data);
  const bound = storage.run("kept", () => policyOf({ data })).data;
  expect(bound?.(undefined as never, undefined as never)).toBe("kept");
});
