import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  ensurePeer,
  installedVersions,
  PEER_NAMES,
  peerFolder,
  uwsEntry,
} from "../../bench/harness/peers.ts";
import { UnavailableError } from "../../bench/harness/processes.ts";

let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "hawser-bench-"));
  writeFileSync(join(folder, "uws.js"), "");
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("a uWebSockets.js package", () => {
  test("is named by its folder or a script in it", () => {
    expect(uwsEntry(folder)).toBe(join(folder, "uws.js"));
    expect(uwsEntry(join(folder, "uws.js"))).toBe(join(folder, "uws.js"));
  });

  test("that is not there is unavailable, with how to name one", () => {
    expect(() => uwsEntry(null)).toThrow(UnavailableError);
    expect(() => uwsEntry(null)).toThrow("--uws PATH");
    expect(() => uwsEntry(join(folder, "none"))).toThrow(/no uws\.js in/);
  });
});

describe("peers", () => {
  test("are kept in folders of their own beside the benchmark", () => {
    const folders = PEER_NAMES.map(peerFolder);
    expect(new Set(folders).size).toBe(PEER_NAMES.length);
    for (const each of folders) expect(each).toMatch(/[\\/]bench[\\/]\.peers[\\/]\w+$/);
  });

  test("that need no package are there at once", async () => {
    await expect(ensurePeer("node")).resolves.toBeUndefined();
  });

  test("tell versions only of what is installed", () => {
    for (const version of Object.values(installedVersions())) expect(version).toMatch(/^\d+\.\d+/);
  });
});
