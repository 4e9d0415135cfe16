// `npm run screenshot`: docs/images/start.webp, the page of `npm start` with some connections on
// it, as Chromium draws it. Not run by tests or CI: a picture changes with every font.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { type Browser, chromium } from "playwright-core";
import { readCommandLine, UsageError } from "./arguments.ts";
import { root } from "./run.ts";

const EXECUTABLE = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
const SIZE = { width: 1_200, height: 1_450 };
/** Small enough for a README; the fonts are drawn at this size, not scaled. */
const SCALE = 0.75;
/** Until there is something to see in the plot. */
const TRAFFIC_MS = 40_000;

const PICTURE = join(root, "docs", "images", "start.webp");
const QUALITY = 0.8;

/** Less than half of the PNG: the package carries it, for its README. */
async function webpOf(browser: Browser, png: Buffer): Promise<Buffer> {
  const tab = await browser.newPage();
  const encoded: string = await tab.evaluate(`(async () => {
    const png = await fetch("data:image/png;base64,${png.toString("base64")}");
    const image = await createImageBitmap(await png.blob());
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width: image.width, height: image.height });
    canvas.getContext("2d").drawImage(image, 0, 0);
    return canvas.toDataURL("image/webp", ${QUALITY});
  })()`);
  await tab.close();
  return Buffer.from(encoded.slice(encoded.indexOf(",") + 1), "base64");
}

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
    await writeFile(PICTURE, await webpOf(browser, await tab.screenshot()));
  } finally {
    clearInterval(chat);
    peer.destroy();
  }
}

const USAGE = `npm run screenshot     draws docs/images/start.webp

With Chromium: $CHROMIUM, or ${EXECUTABLE}.

It takes nothing. Exit status: 0 done; 1 it failed; 2 wrong usage, or there is no Chromium.`;

readCommandLine("screenshot", USAGE, (args) => {
  parseArgs({ args });
  if (!existsSync(EXECUTABLE)) throw new UsageError(`there is no Chromium at ${EXECUTABLE}`);
});
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
