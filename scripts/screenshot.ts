// `npm run screenshot`: docs/images/start.png, the page of `npm start` with some connections on it,
// as Chromium draws it. Not run by tests or CI: a picture changes with every font.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Browser, chromium } from "playwright-core";
import { root } from "./run.ts";

const EXECUTABLE = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
const SIZE = { width: 1_200, height: 1_450 };
/** Small enough for a README; the fonts are drawn at this size, not scaled. */
const SCALE = 0.75;
/** Until there is something to see in the plot. */
const TRAFFIC_MS = 40_000;

/** The addresses that `npm start` prints. */
async function addressesOf(service: ChildProcess): Promise<string[]> {
  const urls: string[] = [];
  for await (const line of createInterface(service.stdout as NodeJS.ReadableStream)) {
    urls.push(...(line.match(/\w+:\/\/\S+/g) ?? []));
    if (urls.length === 3) break;
  }
  return urls;
}

async function draw(browser: Browser, [page = "", , tcp = ""]: string[]): Promise<void> {
  const tab = await browser.newPage({
    viewport: SIZE,
    deviceScaleFactor: SCALE,
    colorScheme: "light",
  });
  await tab.goto(page);
  const { hostname, port } = new URL(tcp);
  const peer = connect(Number(port), hostname);
  const chat = setInterval(() => peer.write("still there\n"), 700);
  try {
    await tab.click("#client");
    await tab.click("#send-button");
    await tab.waitForTimeout(TRAFFIC_MS);
    await tab.getByRole("switch", { name: /^Stop answering WebSocket .*client-1/ }).click();
    await tab.click("#silence");
    await tab.locator("#verdict[data-state=dead]").waitFor();
    await tab.locator("#ended .card").nth(1).waitFor();
    await tab.evaluate("document.activeElement.blur(); scrollTo(0, 0)");
    await tab.screenshot({ path: join(root, "docs", "images", "start.png") });
  } finally {
    clearInterval(chat);
    peer.destroy();
  }
}

const service = spawn(process.execPath, ["scripts/setup.mjs", "dist/start.js", "--port", "0"], {
  cwd: root,
  stdio: ["ignore", "pipe", "inherit"],
});
const browser = await chromium.launch({ executablePath: EXECUTABLE, args: ["--no-sandbox"] });
try {
  await draw(browser, await addressesOf(service));
} finally {
  await browser.close();
  service.kill("SIGINT");
  await once(service, "close");
}
