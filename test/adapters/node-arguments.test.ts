// The arguments of net.Socket.connect, read as an endpoint.

import { describe, expect, it } from "vitest";
import { endpointOf } from "../../lib/adapters/node-arguments.ts";

describe("endpointOf", () => {
  const callback = () => {};
  it.each([
    [[80], { host: "localhost", port: 80 }],
    [["80"], { host: "localhost", port: 80 }],
    [[80, "db"], { host: "db", port: 80 }],
    [[80, callback], { host: "localhost", port: 80 }],
    [[80, "", callback], { host: "localhost", port: 80 }],
    [["/run/db"], { path: "/run/db" }],
    [["/run/db", callback], { path: "/run/db" }],
    [[{ port: 80 }], { host: "localhost", port: 80 }],
    [[{ port: "80", host: "db", noDelay: true }], { host: "db", port: 80 }],
    [[{ path: "/run/db", port: 1 }], { path: "/run/db" }],
  ])("%j", (args, endpoint) => {
    expect(endpointOf(args)).toEqual(endpoint);
  });

  it.each([[[]], [[callback]], [[{}]], [[80, 5]], [[{ port: 1, host: 2 }]], [[null]]])(
    "refuses %j",
    (args) => {
      expect(() => endpointOf(args)).toThrow(
        expect.objectContaining({ name: "TypeError", code: "ERR_INVALID_ARG_TYPE" }),
      );
    },
  );
});
