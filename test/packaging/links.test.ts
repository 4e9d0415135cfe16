// That what the README and the pages in the package link to is in the package: they are read there,
// and the package has no other place.

import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { root, timeLimitMs } from "../guards/support.ts";
import { packed } from "./pack.ts";

let files: ReadonlySet<string>;
beforeAll(() => {
  files = new Set(packed().files.map(({ path }) => path));
}, timeLimitMs);

const textOf = (page: string) => readFileSync(join(root, page), "utf8");

/** Links and pictures of a page, but for those to elsewhere; none from code. */
function linksOf(page: string): string[] {
  const prose = textOf(page)
    .replace(/^```[\s\S]*?^```/gm, "")
    .replace(/`[^`\n]*`/g, "");
  const targets = [...prose.matchAll(/\]\(\s*([^()\s]+)\s*\)/g)].map(
    ([, target]) => target as string,
  );
  return targets.filter((target) => !/^[a-z]+:/i.test(target));
}

/** The names by which the headings of a page are linked to, as GitHub and npm make them. */
function anchorsOf(page: string): string[] {
  const headings = textOf(page)
    .replace(/^```[\s\S]*?^```/gm, "")
    .matchAll(/^#+ (.*)$/gm);
  return [...headings].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** What is wrong with a link, or null. */
function fault(page: string, link: string): string | null {
  const [path = "", anchor] = link.split("#");
  const target = path === "" ? page : normalize(join(dirname(page), path));
  const isFolder = [...files].some((file) => file.startsWith(`${target.replace(/\/$/, "")}/`));
  if (!files.has(target) && !isFolder) return `${page}: ${link} is not in the package`;
  if (anchor === undefined || anchorsOf(target).includes(anchor)) return null;
  return `${page}: ${link} has no such heading`;
}

const faults = (page: string) =>
  linksOf(page)
    .map((link) => fault(page, link))
    .filter((one) => one !== null);

it("every link of the README leads to something that is in the package", () => {
  expect(linksOf("README.md").length).toBeGreaterThan(15);
  expect(faults("README.md")).toEqual([]);
});

it("so does every link of the pages", () => {
  const pages = [...files].filter((path) => path.endsWith(".md") && path !== "README.md");
  expect(pages).toEqual(expect.arrayContaining(["docs/api.md", "docs/errors.md", "CHANGELOG.md"]));
  expect(pages.flatMap(linksOf).length).toBeGreaterThan(50);
  expect(pages.flatMap(faults)).toEqual([]);
});

it("a link to what is not packed, or to no heading, would be found", () => {
  expect(fault("README.md", "scripts/ci/install.sh")).toMatch(/not in the package/);
  expect(fault("docs/errors.md", "api.md#no-such")).toMatch(/no such heading/);
  expect(fault("docs/errors.md", "api.md#errors")).toBeNull();
});
