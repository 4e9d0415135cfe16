// setNoDelay and setKeepAlive of a net.Socket as the options of a connection.

import { describe, expect, it } from "vitest";
import { readKeepAlive, setKeepAlive, setNoDelay } from "../../lib/adapters/socket-options.ts";

const IDLE = process.platform === "darwin" ? "TCP_KEEPALIVE" : "TCP_KEEPIDLE";

function recorder(transport: "tcp" | "unix") {
  const calls: unknown[][] = [];
  return { calls, connection: { transport, setOption: (...args: unknown[]) => calls.push(args) } };
}

describe("socket options", () => {
  it.each([
    [true, 0, [["SO_KEEPALIVE", true]]],
    [false, 5_000, [["SO_KEEPALIVE", false]]],
    [
      true,
      1,
      [
        [IDLE, 1],
        ["SO_KEEPALIVE", true],
      ],
    ],
    [
      true,
      5_001,
      [
        [IDLE, 6],
        ["SO_KEEPALIVE", true],
      ],
    ],
    [
      true,
      1e12,
      [
        [IDLE, 32_767],
        ["SO_KEEPALIVE", true],
      ],
    ],
  ] as const)("setKeepAlive(%s, %s)", (enable, delay, expected) => {
    const { calls, connection } = recorder("tcp");
    setKeepAlive(connection as never, readKeepAlive([enable, delay]));
    expect(calls).toEqual(expected);
  });

  it.each([
    [[true, 2_000, 500, 4]],
    [[{ enable: true, initialDelay: 2_000, interval: 500, count: 4 }]],
  ])("setKeepAlive with interval and count, as in Node 24: %j", (args) => {
    const { calls, connection } = recorder("tcp");
    setKeepAlive(connection as never, readKeepAlive(args));
    expect(calls).toEqual([
      [IDLE, 2],
      ["TCP_KEEPINTVL", 1],
      ["TCP_KEEPCNT", 4],
      ["SO_KEEPALIVE", true],
    ]);
  });

  it.each([[[]], [[undefined, "x"]], [[{}]], [[0, Number.NaN, -1, null]]])(
    "what says nothing turns it off and sets nothing: %j",
    (args) => {
      const { calls, connection } = recorder("tcp");
      setKeepAlive(connection as never, readKeepAlive(args));
      expect(calls).toEqual([["SO_KEEPALIVE", false]]);
    },
  );

  it("setNoDelay", () => {
    const { calls, connection } = recorder("tcp");
    setNoDelay(connection as never, true);
    expect(calls).toEqual([["TCP_NODELAY", true]]);
  });

  it("neither touches a Unix socket", () => {
    const { calls, connection } = recorder("unix");
    setNoDelay(connection as never, true);
    setKeepAlive(connection as never, readKeepAlive([true, 1_000]));
    expect(calls).toEqual([]);
  });
});
