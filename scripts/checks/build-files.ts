// That both builds build the same: one list of sources, the same definitions, and every source on
// the list. CMakeLists.txt is for development, binding.gyp for the published binaries.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { projectFiles } from "../files.ts";
import { root } from "../run.ts";
import type { Finding } from "./finding.ts";

export interface BuildFiles {
  readonly cmake: string;
  readonly gyp: string;
  readonly sources: Readonly<Record<string, readonly string[]>>;
  /** Every .cc file below native/. */
  readonly present: readonly string[];
}

/** What both must define, and the language both must speak. */
const shared = ["NAPI_VERSION=8", "NAPI_DISABLE_CPP_EXCEPTIONS", "-fno-exceptions"];

export function checkBuildFiles(): Finding[] {
  const text = (path: string) => readFileSync(join(root, path), "utf8");
  return buildFileFindings({
    cmake: text("CMakeLists.txt"),
    gyp: text("binding.gyp"),
    sources: JSON.parse(text("native/sources.json")),
    present: projectFiles(["native"], [".cc"]).filter((path) => existsSync(join(root, path))),
  });
}

export function buildFileFindings({ cmake, gyp, sources, present }: BuildFiles): Finding[] {
  const findings: Finding[] = [];
  const inGyp = (message: string) => findings.push({ path: "binding.gyp", message });
  const inCmake = (message: string) => findings.push({ path: "CMakeLists.txt", message });
  const inSources = (message: string) => findings.push({ path: "native/sources.json", message });

  const gypLists = [...gyp.matchAll(/require\('\.\/native\/sources\.json'\)\.(\w+)/g)].map(
    (match) => match[1] ?? "",
  );
  const cmakeLists = [...cmake.matchAll(/^\s*hawser_sources\((\S+)/gm)].flatMap((match) =>
    match[1]?.endsWith("HAWSER_SYSTEM}") ? ["linux", "darwin"] : [match[1] ?? ""],
  );
  for (const list of Object.keys(sources)) {
    if (!gypLists.includes(list)) inGyp(`does not build the list "${list}"`);
    if (!cmakeLists.includes(list)) inCmake(`does not build the list "${list}"`);
  }
  for (const list of gypLists) if (!sources[list]) inGyp(`there is no list "${list}"`);
  if (/\.cc\b/.test(gyp)) inGyp("names a source itself; the list is native/sources.json");

  for (const word of shared) {
    if (!gyp.includes(word)) inGyp(`lacks ${word}`);
    if (!cmake.includes(word)) inCmake(`lacks ${word}`);
  }
  if (!gyp.includes("-std=c++17")) inGyp("is not C++17");
  if (!/CMAKE_CXX_STANDARD 17\b/.test(cmake)) inCmake("is not C++17");
  if (!/"-fvisibility=hidden"/.test(gyp)) inGyp("shows its symbols");
  if (!/VISIBILITY_PRESET hidden/.test(cmake)) inCmake("shows its symbols");

  const listed = Object.values(sources).flat();
  for (const path of new Set(listed)) {
    if (!present.includes(path)) inSources(`${path} does not exist`);
    if (listed.filter((other) => other === path).length > 1) inSources(`${path} stands twice`);
  }
  for (const path of present) if (!listed.includes(path)) inSources(`lacks ${path}`);
  return findings;
}
