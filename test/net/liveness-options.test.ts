// What the kernel is told for B8 to B12 (lib/net/liveness-options.ts).
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  keepAliveToSet,
  kernelGivesUpMs,
  rtoMaxMs,
  tellKernelLimits,
} from "../../lib/net/liveness-options.ts";
import { getOption } from "../../lib/socket/options.ts";
import { closeAll, fresh } from "../socket/raw-sockets.ts";

const keepAlive = (idleSeconds: number, intervalSeconds: number, count: number) => ({
  idleSeconds,
  intervalSeconds,
  count,
});
const of = (keep: ReturnType<typeof keepAlive> | null, dropTimeout: number, stallTimeout = 0) => ({
  keepAlive: keep,
  dropTimeout,
  stallTimeout,
  socketOptions: [] as [string, unknown][],
});

describe("TCP_RTO_MAX_MS", () => {
  test.each([
    ["the defaults: as often as keepalive asks", of(keepAlive(60, 10, 3), 0, 600_000), 10_000],
    ["B11 dropTimeout alone: an eighth of it", of(null, 20_000), 2_500],
    ["a short dropTimeout: not below what the kernel takes", of(null, 1_000), 1_000],
    ["B9 keepalive within a long dropTimeout", of(keepAlive(5, 1, 3), 60_000), 7_500],
    ["the kernel gives up well after the longest limit", of(keepAlive(9, 1, 4), 0), 1_084],
    ["no limit that needs it", of(null, 0, 600_000), null],
    [
      "keepalive of hours: not above what the kernel takes",
      of(keepAlive(7_200, 75, 9), 0),
      120_000,
    ],
  ])("%s", (_, parameters, expected) => {
    expect(rtoMaxMs(parameters)).toBe(expected);
  });

  test("B12 the kernel does not give up before a limit of ours, as far as it can be told", () => {
    const seconds = fc.integer({ min: 1, max: 600 });
    const count = fc.integer({ min: 1, max: 20 });
    fc.assert(
      fc.property(seconds, seconds, count, fc.nat(600_000), (idle, interval, probes, drop) => {
        const ms = rtoMaxMs(of(keepAlive(idle, interval, probes), drop)) as number;
        const longestMs = Math.max(drop, (idle + interval * probes) * 1_000);
        expect(ms).toBeGreaterThanOrEqual(1_000);
        expect(ms).toBeLessThanOrEqual(120_000);
        if (ms < 120_000) expect(kernelGivesUpMs(ms)).toBeGreaterThan(longestMs);
      }),
    );
  });

  test("the kernel's own limit without any is the 924.6 s of tcp(7)", () => {
    expect(kernelGivesUpMs(120_000)).toBe(924_600);
  });
});

describe.skipIf(process.platform !== "linux")("on a socket of this kernel (Linux)", () => {
  const current = () => {
    const socket = fresh("tcp4");
    try {
      return { socket, before: getOption(socket, "TCP_RTO_MAX_MS") };
    } catch {
      return { socket, before: null };
    }
  };

  test("B9 B12 TCP_RTO_MAX_MS is set where there is one, and TCP_USER_TIMEOUT never", () => {
    const { socket, before } = current();
    tellKernelLimits(socket.fd, of(keepAlive(5, 1, 3), 20_000));
    if (before !== null) expect(getOption(socket, "TCP_RTO_MAX_MS")).toBe(2_500);
    expect(getOption(socket, "TCP_USER_TIMEOUT")).toBe(0);
    closeAll();
  });

  test("a value of the application's own stays", () => {
    const { socket, before } = current();
    const parameters = of(keepAlive(5, 1, 3), 20_000);
    parameters.socketOptions.push(["TCP_RTO_MAX_MS", 7_000]);
    tellKernelLimits(socket.fd, parameters);
    if (before !== null) expect(getOption(socket, "TCP_RTO_MAX_MS")).toBe(before);
    closeAll();
  });

  test("a descriptor that cannot be told is no failure", () => {
    expect(() => tellKernelLimits(-1, of(null, 20_000))).not.toThrow();
  });
});

describe("keepalive to set", () => {
  test("B12 on XNU dropTimeout turns it on, and it ends by about then", () => {
    const set = keepAliveToSet(of(null, 8_000), "darwin");
    expect(set).toEqual({ idleSeconds: 4, intervalSeconds: 1, count: 4 });
  });

  test.each([
    ["Linux samples instead", of(null, 8_000), "linux", null],
    ["nothing asks for it", of(null, 0), "darwin", null],
    ["what is set stays", of(keepAlive(60, 10, 3), 8_000), "darwin", keepAlive(60, 10, 3)],
    ["what is set stays", of(keepAlive(60, 10, 3), 8_000), "linux", keepAlive(60, 10, 3)],
  ] as const)("%s", (_, parameters, system, expected) => {
    expect(keepAliveToSet(parameters, system)).toEqual(expected);
  });
});
