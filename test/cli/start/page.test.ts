// The files of the page over HTTP, and the pure parts of its scripts.

import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CONTENT_SECURITY_POLICY, pageHandler } from "../../../lib/cli/start/page.ts";

const FOLDER = join(import.meta.dirname, "../../../lib/cli/start/page");
const files = readdirSync(FOLDER);
let server: http.Server;
let base = "";

beforeAll(async () => {
  server = http.createServer(await pageHandler()).listen(0, "127.0.0.1");
  await once(server, "listening");
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

describe("over HTTP", () => {
  test.each(files)("%s is served as it is, with its type", async (file) => {
    const response = await fetch(`${base}/${file === "index.html" ? "" : file}`);
    expect(response.status).toBe(200);
    expect(await response.text()).toBe(readFileSync(join(FOLDER, file), "utf8"));
    const ending = file.slice(file.lastIndexOf("."));
    const types: Record<string, string> = {
      ".html": "text/html; charset=utf-8",
      ".css": "text/css; charset=utf-8",
      ".js": "text/javascript; charset=utf-8",
      ".svg": "image/svg+xml",
    };
    expect(response.headers.get("content-type")).toBe(types[ending]);
  });

  test("HEAD has the headers and no body; a query is no other page", async () => {
    const response = await fetch(`${base}/?x=1`, { method: "HEAD" });
    expect([response.status, await response.text()]).toEqual([200, ""]);
    expect(Number(response.headers.get("content-length"))).toBeGreaterThan(1_000);
  });

  test.each(["/index.html", "/../package.json", "/%2e%2e/", "/style.css/", "//", "/constructor"])(
    "%s is not there",
    async (path) => {
      const request = http.get(base, { path });
      const [response] = (await once(request, "response")) as [http.IncomingMessage];
      response.resume();
      expect(response.statusCode).toBe(404);
      expect(response.headers["content-security-policy"]).toBe(CONTENT_SECURITY_POLICY);
    },
  );

  test("other methods are refused", async () => {
    const response = await fetch(base, { method: "POST", body: "x" });
    expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
  });

  test("nothing may run or be fetched but its own files, and nobody may frame it", async () => {
    const { headers } = await fetch(base);
    const policy = headers.get("content-security-policy") ?? "";
    expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self'; /);
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|https?:|\*|data:/);
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("referrer-policy")).toBe("no-referrer");
    expect(headers.get("cross-origin-opener-policy")).toBe("same-origin");
  });
});

describe("the files", () => {
  const text = (file: string) => readFileSync(join(FOLDER, file), "utf8");

  test("name nothing outside, and are small", () => {
    const all = files.map(text).join("\n").replaceAll("http://www.w3.org/2000/svg", "");
    expect(all).not.toMatch(/https?:\/\//);
    expect(all).not.toMatch(/@import|url\(/);
    expect(Buffer.byteLength(all)).toBeLessThan(50_000);
  });

  test("have nothing inline, and make no markup of text", () => {
    expect(text("index.html")).not.toMatch(/<style|\sstyle=|\son\w+=|<script(?![^>]*src=)/);
    const scripts = files
      .filter((file) => file.endsWith(".js"))
      .map(text)
      .join("\n");
    expect(scripts).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b/);
  });
});

describe("units", async () => {
  const { age, bytes, decades, keepAlive, latency } = await import(
    "../../../lib/cli/start/page/format.js"
  );

  test.each([
    [0, "0 B"],
    [1_023, "1023 B"],
    [1_024, "1.0 KiB"],
    [1_536, "1.5 KiB"],
    [5 * 2 ** 20, "5.0 MiB"],
    [2 ** 50, "1024.0 TiB"],
  ])("%i bytes are %s", (count, said) => expect(bytes(count)).toBe(said));

  test.each([
    [0.043, "43 µs"],
    [0.9999, "1.00 ms"],
    [1.254, "1.25 ms"],
    [9.999, "10 ms"],
    [812.4, "812 ms"],
    [3_360, "3.4 s"],
  ])("a latency of %f ms is %s", (ms, said) => expect(latency(ms)).toBe(said));

  test.each([
    [4_900, "4 s"],
    [200_000, "3 min 20 s"],
    [7_500_000, "2 h 5 min"],
  ])("an age of %i ms is %s", (ms, said) => expect(age(ms)).toBe(said));

  test.each([
    [[], [0.01, 0.1, 1]],
    [[0], [0.01, 0.1, 1]],
    [[0.04], [0.01, 0.1]],
    [[0.1], [0.1, 1]],
    [
      [0.02, 0, 30],
      [0.01, 0.1, 1, 10, 100],
    ],
  ])("an axis for %j has marks at %j", (values, marks) => {
    const found = decades(values);
    expect(found).toHaveLength(marks.length);
    for (const [index, mark] of marks.entries()) expect(found[index]).toBeCloseTo(mark, 9);
  });

  test("keepalive is three numbers", () => {
    expect(keepAlive({ idle: 60_000, interval: 10_000, count: 3 })).toBe("60 s / 10 s / 3");
  });
});

describe("the page's heartbeat", async () => {
  const { DEAD_MS, Heartbeat } = await import("../../../lib/cli/start/page/heartbeat.js");

  test("is late and then dead, counted from the first beat that was not answered", () => {
    const heart = new Heartbeat();
    expect(heart.judge(99_999)).toBe("alive");
    heart.sent(1_000);
    heart.sent(2_000);
    expect(heart.judge(2_100)).toBe("alive");
    expect(heart.judge(2_200)).toBe("quiet");
    expect(heart.judge(1_000 + DEAD_MS - 1)).toBe("quiet");
    expect(heart.judge(1_000 + DEAD_MS)).toBe("dead");
    expect(heart.waitedMs(1_500)).toBe(500);
  });

  test("anything heard makes it alive", () => {
    const heart = new Heartbeat();
    heart.sent(0);
    heart.heard();
    expect([heart.judge(DEAD_MS), heart.waitedMs(DEAD_MS)]).toEqual(["alive", 0]);
  });
});
