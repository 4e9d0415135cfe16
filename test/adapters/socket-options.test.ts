// setNoDelay and setKeepAlive of a net.Socket as the options of a connection.

import { describe, expect, it } from "vitest";
import { setKeepAlive, setNoDelay } from "../../lib/adapters/socket-options.ts";

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
    setKeepAlive(connection as never, enable, delay);
    expect(calls).toEqual(expected);
  });

  it("setNoDelay", () => {
    const { calls, connection } = recorder("tcp");
    setNoDelay(connection as never, true);
    expect(calls).toEqual([["TCP_NODELAY", true]]);
  });

  it("neither touches a Unix socket", () => {
    const { calls, connection } = recorder("unix");
    setNoDelay(connection as never, true);
    setKeepAlive(connection as never, true, 1_000);
    expect(calls).toEqual([]);
  });
});
