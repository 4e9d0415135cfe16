// That CMakeLists.txt and binding.gyp build the same, and that a difference is seen.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  type BuildFiles,
  buildFileFindings,
  checkBuildFiles,
} from "../../scripts/checks/build-files.ts";

const text = (path: string) => readFileSync(join(import.meta.dirname, "..", "..", path), "utf8");
const good: BuildFiles = {
  cmake: text("CMakeLists.txt"),
  gyp: text("binding.gyp"),
  sources: { core: ["native/a.cc"], linux: ["native/l.cc"], darwin: [], binding: ["native/b.cc"] },
  present: ["native/a.cc", "native/b.cc", "native/l.cc"],
};

describe("the two builds", () => {
  test("agree in this project", () => {
    expect(checkBuildFiles()).toEqual([]);
  });

  test("agree on the lists of sources.json", () => {
    expect(buildFileFindings(good)).toEqual([]);
  });

  test.each<[string, Partial<BuildFiles>, string]>([
    ["a list that gyp leaves out", { gyp: good.gyp.replace(".binding.", ".core.") }, '"binding"'],
    [
      "a list that CMake leaves out",
      { cmake: good.cmake.replace("hawser_sources(core", "hawser_sources(binding") },
      '"core"',
    ],
    ["a list that is new", { sources: { ...good.sources, later: [] } }, '"later"'],
    ["a source named in gyp", { gyp: good.gyp.replace('"native"', '"native/x.cc"') }, "itself"],
    [
      "another Node-API version",
      { gyp: good.gyp.replace("VERSION=8", "VERSION=9") },
      "NAPI_VERSION",
    ],
    [
      "exceptions in CMake",
      { cmake: good.cmake.replaceAll("-fno-exc", "-fexc") },
      "-fno-exceptions",
    ],
    ["a source on no list", { present: [...good.present, "native/new.cc"] }, "lacks native/new.cc"],
    ["a source that is gone", { present: good.present.slice(1) }, "native/a.cc does not exist"],
    [
      "a source on two lists",
      { sources: { ...good.sources, darwin: ["native/a.cc"] } },
      "stands twice",
    ],
  ])("%s is found", (_, change, message) => {
    const findings = buildFileFindings({ ...good, ...change });
    expect(findings.map((finding) => finding.message).join("\n")).toContain(message);
  });
});
