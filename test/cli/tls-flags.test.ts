// The flags of TLS as options.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { UsageError } from "../../lib/cli/flags.ts";
import { tlsOptions } from "../../lib/cli/tls-flags.ts";

const URL = "tls://h:1";
const folder = mkdtempSync(join(tmpdir(), "tls-flags-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string): string {
  const path = join(folder, name);
  writeFileSync(path, name);
  return path;
}

it("files are read, names split, and what is not given is left out", () => {
  expect(tlsOptions({}, URL)).toBeUndefined();
  expect(tlsOptions({ ca: file("ca"), cert: file("cert"), key: file("key") }, URL)).toEqual({
    ca: Buffer.from("ca"),
    cert: Buffer.from("cert"),
    key: Buffer.from("key"),
  });
  expect(tlsOptions({ servername: "h", alpn: "h2,http/1.1", insecure: true }, URL)).toEqual({
    servername: "h",
    alpnProtocols: ["h2", "http/1.1"],
    rejectUnauthorized: false,
  });
  expect(tlsOptions({ alpn: "none", insecure: false }, URL)).toHaveProperty(
    "alpnProtocols",
    undefined,
  );
});

it.each([
  [{ ca: "/no/such/file" }, /--ca cannot be read: ENOENT/],
  [{ cert: "x" }, /--cert and --key go together/],
  [{ key: "x" }, /--cert and --key go together/],
  [{ alpn: "" }, /--alpn/],
  [{ alpn: "h2," }, /--alpn/],
])("%j is wrong usage", (flags, message) => {
  expect(() => tlsOptions(flags, URL)).toThrow(UsageError);
  expect(() => tlsOptions(flags, URL)).toThrow(message);
});

it("other URLs take none of them", () => {
  expect(tlsOptions({}, "tcp://h:1")).toBeUndefined();
  for (const flags of [{ ca: file("ca") }, { alpn: "none" }, { insecure: true }]) {
    expect(() => tlsOptions(flags, "unix:run/s")).toThrow(/--ca, .* are for tls:.*: unix:run\/s$/);
  }
});
