// What `npm start -- ...` takes, and where it listens then.

import { describe, expect, test } from "vitest";
import { UsageError } from "../../../lib/cli/flags.ts";
import {
  hostToShow,
  readArguments,
  type StartOptions,
  tcpEndpoint,
  USAGE,
  webSocketEndpoint,
} from "../../../lib/cli/start/arguments.ts";

const read = (...args: string[]) => readArguments(args) as StartOptions;

describe("ports", () => {
  test.each([
    [[], 7070, 7071],
    [["--port", "8080"], 8080, 8081],
    [["--port", "0"], 0, 0],
    [["--port", "8080", "--tcp-port", "0"], 8080, 0],
    [["--port", "65535", "--tcp-port", "1"], 65_535, 1],
  ])("%j: %i for the page, %i for TCP", (args, port, tcpPort) => {
    expect(read(...args)).toMatchObject({ port, tcpPort });
  });

  test.each(["", "x", "-1", "65536", "1e3", "7070.5", " 1"])("no port: %j", (port) => {
    expect(() => read(`--port=${port}`)).toThrow(UsageError);
    expect(() => read(`--tcp-port=${port}`)).toThrow(/^--tcp-port takes a number from 0 to 65535/);
  });

  test("the last port has none after it", () => {
    expect(() => read("--port", "65535")).toThrow(/give --tcp-port/);
  });
});

describe("hosts", () => {
  test.each([
    [[], "ws://localhost:7070/", "localhost", "127.0.0.1"],
    [["--host", "::1"], "ws://[::1]:7070/", "::1", "[::1]"],
    [["--host", "[::1]"], "ws://[::1]:7070/", "[::1]", "[::1]"],
    [["--host", "10.0.0.1"], "ws://10.0.0.1:7070/", "10.0.0.1", "10.0.0.1"],
    [["--host", "box.test"], "ws://box.test:7070/", "box.test", "box.test"],
    [["--host", ""], "ws://[::]:7070/", "", "127.0.0.1"],
    [["--host", "*"], "ws://[::]:7070/", "", "127.0.0.1"],
  ])("%j", (args, url, host, shown) => {
    const options = read(...args);
    expect(webSocketEndpoint(options)).toBe(url);
    expect(tcpEndpoint(options)).toEqual({ transport: "tcp", host, port: 7071 });
    expect(hostToShow(options)).toBe(shown);
  });
});

describe("TLS", () => {
  test("changes the schemes, and shows the name that is in the certificate", () => {
    const options = read("--tls");
    expect(webSocketEndpoint(options)).toBe("wss://localhost:7070/");
    expect(tcpEndpoint(options)).toMatchObject({ transport: "tls" });
    expect(hostToShow(options)).toBe("localhost");
    expect(options.certificate).toBeNull();
  });

  test("takes a certificate and its key, together and with --tls only", () => {
    expect(read("--tls", "--cert", "c", "--key", "k").certificate).toEqual({ cert: "c", key: "k" });
    expect(() => read("--tls", "--cert", "c")).toThrow(/together/);
    expect(() => read("--tls", "--key", "k")).toThrow(/together/);
    expect(() => read("--cert", "c", "--key", "k")).toThrow(/for --tls/);
  });
});

test("help names every flag", () => {
  expect(readArguments(["-h"])).toBe("help");
  for (const flag of ["--port", "--tcp-port", "--host", "--tls", "--cert", "--key", "--help"]) {
    expect(USAGE).toContain(`\n  ${flag} `);
  }
});

test("an unknown flag is refused by its name", () => {
  expect(() => read("--prot", "1")).toThrow(/--prot/);
});
