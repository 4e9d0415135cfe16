import {
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, test } from "vitest";
import { MAX_NAME_SERVERS_COUNT, MAX_RESOLV_CONF_BYTES } from "../../../lib/core/limits.ts";
import {
  NameServers,
  parseNameServers,
  readNameServers,
} from "../../../lib/net/paths/name-servers.ts";

test.each([
  ["", []],
  ["nameserver 192.0.2.1\n", ["192.0.2.1"]],
  ["nameserver 192.0.2.1\nsearch example\nnameserver\t2001:db8::1", ["192.0.2.1", "2001:db8::1"]],
  ["  nameserver 192.0.2.1 # the first\n", ["192.0.2.1"]],
  ["nameserver fe80::1%eth0\r\n", ["fe80::1%eth0"]],
  ["#nameserver 192.0.2.1\n;nameserver 192.0.2.2\n", []],
  ["nameserver\nnameservers 192.0.2.1\noptions nameserver 192.0.2.1\n", []],
])("resolv.conf %j", (text, servers) => {
  expect(parseNameServers(text)).toEqual(servers);
});

test("more name servers than the limit are left out", () => {
  const text = "nameserver 192.0.2.1\n".repeat(MAX_NAME_SERVERS_COUNT + 5);
  expect(parseNameServers(text)).toHaveLength(MAX_NAME_SERVERS_COUNT);
});

describe("the file", () => {
  let folder: string;
  let path: string;
  let followed: NameServers | undefined;
  let heard: (() => void) | undefined;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "hawser-name-servers-"));
    path = join(folder, "resolv.conf");
  });
  afterEach(() => {
    followed?.close();
    rmSync(folder, { recursive: true });
  });

  function follow(): NameServers {
    followed = new NameServers(() => heard?.(), path);
    return followed;
  }

  /** Does something to the file, and waits until the servers are others. */
  async function after(action: () => void): Promise<readonly string[]> {
    const changed = new Promise<void>((resolve) => {
      heard = resolve;
    });
    action();
    await changed;
    return (followed as NameServers).servers;
  }

  const write = (at: string, ...servers: string[]) =>
    writeFileSync(at, servers.map((server) => `nameserver ${server}\n`).join(""));

  it("is not there", () => {
    expect(readNameServers(path)).toEqual([]);
  });

  it("is read to its limit", () => {
    writeFileSync(path, `nameserver 192.0.2.1\n${"#".repeat(MAX_RESOLV_CONF_BYTES)}\n`);
    expect(readNameServers(path)).toEqual(["192.0.2.1"]);
  });

  it("is written to, made anew, removed, and made again", async () => {
    write(path, "192.0.2.1");
    expect(follow().servers).toEqual(["192.0.2.1"]);
    expect(await after(() => write(path, "192.0.2.2"))).toEqual(["192.0.2.2"]);
    const other = join(folder, "resolv.conf.new");
    write(other, "192.0.2.3");
    expect(await after(() => renameSync(other, path))).toEqual(["192.0.2.3"]);
    // The watch has moved to the new file.
    expect(await after(() => write(path, "192.0.2.4"))).toEqual(["192.0.2.4"]);
    expect(await after(() => unlinkSync(path))).toEqual([]);
    expect(await after(() => write(path, "192.0.2.5"))).toEqual(["192.0.2.5"]);
  });

  it("is followed through links, in the folder of each", async () => {
    const behind = join(folder, "run");
    mkdirSync(behind);
    write(join(behind, "stub.conf"), "192.0.2.1");
    symlinkSync("stub.conf", join(behind, "link.conf"));
    symlinkSync("run/link.conf", path);
    expect(follow().servers).toEqual(["192.0.2.1"]);
    expect(await after(() => write(join(behind, "stub.conf"), "192.0.2.2"))).toEqual(["192.0.2.2"]);
    write(join(behind, "new.conf"), "192.0.2.3");
    const replace = () => renameSync(join(behind, "new.conf"), join(behind, "stub.conf"));
    expect(await after(replace)).toEqual(["192.0.2.3"]);
    write(join(behind, "other.conf"), "192.0.2.4");
    const turn = () => {
      symlinkSync("run/other.conf", join(folder, "turned"));
      renameSync(join(folder, "turned"), path);
    };
    expect(await after(turn)).toEqual(["192.0.2.4"]);
    // And there it is followed.
    expect(await after(() => write(join(behind, "other.conf"), "192.0.2.5"))).toEqual([
      "192.0.2.5",
    ]);
  });

  it("that is written without a difference tells nothing", async () => {
    write(path, "192.0.2.1");
    follow();
    let told = 0;
    heard = () => told++;
    write(path, "192.0.2.1");
    write(join(folder, "another"), "192.0.2.9");
    expect(await after(() => write(path, "192.0.2.2"))).toEqual(["192.0.2.2"]);
    expect(told).toBe(0);
  });

  it("whose folder is not there has no servers", () => {
    path = join(folder, "no", "such", "resolv.conf");
    expect(follow().servers).toEqual([]);
  });
});
