import { describe, expect, it } from "vitest";
import {
  connectionOptions,
  readCount,
  readDuration,
  readKeepAlive,
  readSocketOption,
  readStreamUrl,
  readTarget,
  UsageError,
} from "../../lib/cli/flags.ts";

describe("durations", () => {
  it.each([
    ["200ms", 200],
    ["5s", 5_000],
    ["1.5m", 90_000],
    ["1h", 3_600_000],
  ])("%s is %d ms", (text, ms) => {
    expect(readDuration(text, "--x")).toBe(ms);
  });

  it.each(["5", "s", "5 s", "-1s", "1e3s", "", "5sec"])("%j has no meaning", (text) => {
    expect(() => readDuration(text, "--x")).toThrow(UsageError);
  });
});

it("durations are no shorter than is of use, and no longer than a timer can be", () => {
  expect(readDuration("10ms", "--x", 10)).toBe(10);
  expect(() => readDuration("9ms", "--x", 10)).toThrow("--x takes at least 10ms: 9ms");
  expect(readDuration("596h", "--x")).toBe(2_145_600_000);
  expect(() => readDuration("597h", "--x")).toThrow("--x takes at most 24 days: 597h");
});

it("the URL of a stream is one, and has a scheme that the command knows", () => {
  for (const url of ["tcp://h:1", "tls://h:1", "unix:run/s", "unix:@name"]) {
    expect(readStreamUrl([url], "connect")).toBe(url);
  }
  expect(() => readStreamUrl([], "listen")).toThrow("listen takes one URL");
  expect(() => readStreamUrl(["tcp://h:1", "tcp://h:2"], "listen")).toThrow("listen takes one URL");
  for (const url of ["h:1", "ws://h", "http://h"]) {
    expect(() => readStreamUrl([url], "connect")).toThrow(/^connect takes tcp:.*udp:.*: \S+$/);
  }
});

describe("keepalive", () => {
  it("is in seconds", () => {
    expect(readKeepAlive("60/10/3")).toEqual({ idle: 60_000, interval: 10_000, count: 3 });
    expect(readKeepAlive("off")).toBe(false);
  });

  it.each(["60", "60/10", "60/10/3/1", "0/10/3", "a/b/c", "1.5/1/1", ""])(
    "%j is refused",
    (text) => {
      expect(() => readKeepAlive(text)).toThrow(UsageError);
    },
  );

  it("is no more than the kernel takes, in the unit of the flag", () => {
    expect(readKeepAlive("32767/32767/127")).toMatchObject({ idle: 32_767_000, count: 127 });
    for (const text of ["32768/1/1", "1/32768/1", "1/1/128"]) {
      expect(() => readKeepAlive(text)).toThrow(
        `--keepalive takes at most 32767/32767/127: ${text}`,
      );
    }
  });
});

it("socket options are numbers, switches or text", () => {
  expect(readSocketOption("TCP_MAXSEG=1200")).toEqual(["TCP_MAXSEG", 1_200]);
  expect(readSocketOption("IP_TTL=-1")).toEqual(["IP_TTL", -1]);
  expect(readSocketOption("SO_OOBINLINE=true")).toEqual(["SO_OOBINLINE", true]);
  expect(readSocketOption("TCP_CONGESTION=cubic")).toEqual(["TCP_CONGESTION", "cubic"]);
  expect(() => readSocketOption("TCP_MAXSEG")).toThrow(UsageError);
  expect(() => readSocketOption("=3")).toThrow(UsageError);
});

it("counts are whole and not too small", () => {
  expect(readCount("7", "--count", 1)).toBe(7);
  for (const text of ["0", "-1", "1.5", "x", ""]) {
    expect(() => readCount(text, "--count", 1)).toThrow(UsageError);
  }
});

it("flags become options, and what is not given is left out", () => {
  expect(JSON.parse(JSON.stringify(connectionOptions({})))).toEqual({});
  expect(
    JSON.parse(
      JSON.stringify(
        connectionOptions({
          "connect-timeout": "2s",
          keepalive: "off",
          family: "6",
          interface: "3",
          "local-port": "0",
          option: ["TCP_MAXSEG=900"],
        }),
      ),
    ),
  ).toEqual({
    connectTimeout: 2_000,
    keepAlive: false,
    family: 6,
    interface: 3,
    localPort: 0,
    socketOptions: { TCP_MAXSEG: 900 },
  });
  expect(() => connectionOptions({ family: "5" })).toThrow(UsageError);
});

describe("a target", () => {
  it.each([
    ["h:1", "tcp://h:1"],
    ["[::1]:7070", "tcp://[::1]:7070"],
    ["tcp://h:1", "tcp://h:1"],
    ["TLS://h:1", "TLS://h:1"],
    // A host of that name.
    ["unix:7070", "tcp://unix:7070"],
  ])("%s is %s", (target, url) => {
    expect(readTarget([target], "watch", ["tcp", "tls"])).toBe(url);
  });

  it("is one, of a scheme that the command takes", () => {
    expect(readTarget(["unix:run/s"], "probe", ["tcp", "tls", "unix"])).toBe("unix:run/s");
    expect(() => readTarget([], "probe", ["tcp"])).toThrow("probe takes one HOST:PORT");
    expect(() => readTarget(["h:1", "h:2"], "probe", ["tcp"])).toThrow("probe takes one HOST:PORT");
    expect(() => readTarget(["ws://h"], "probe", ["tcp", "tls", "unix"])).toThrow(
      "probe takes HOST:PORT, tcp://, tls:// or unix:PATH: ws://h",
    );
    expect(() => readTarget(["unix:a"], "watch", ["tcp", "tls"])).toThrow(
      "watch takes HOST:PORT, tcp:// or tls://: unix:a",
    );
  });
});
