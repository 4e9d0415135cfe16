// What the tests in browsers share: Chromium and Firefox behind one small interface, and the
// program of `npm start` with its page. Expressions are text, since they run in the browser.

import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { foreignEnvironment } from "../support/environment.ts";

/** One page, in a window of its own. */
export interface Tab {
  /** The value of an expression, or of the promise that it is. */
  evaluate<T>(expression: string): Promise<T>;
  /** Until the expression is true. */
  until(expression: string): Promise<void>;
  goto(url: string): Promise<void>;
  /** A key, as KeyboardEvent.key names it. */
  press(key: string): Promise<void>;
  type(text: string): Promise<void>;
  click(selector: string): Promise<void>;
  resize(width: number, height: number): Promise<void>;
  /** Roles and names, as a screen reader gets them; where the driver can ask for them. */
  tree?(): Promise<string>;
  /** Errors of scripts and of the security policy, as the console says them. */
  readonly complaints: readonly string[];
  close(): Promise<void>;
}

export interface Browser {
  open(options?: { readonly dark?: boolean; readonly insecure?: boolean }): Promise<Tab>;
  close(): Promise<void>;
}

export interface BrowserKind {
  readonly name: string;
  /** Why it cannot be tested here, for the names of tests; empty where it can. */
  readonly missing: string;
  /** What its pages can be told to prefer. */
  readonly schemes: readonly ("light" | "dark")[];
  launch(): Promise<Browser>;
}

function executable(...names: string[]): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return folders
    .flatMap((folder) => names.map((name) => join(folder, name)))
    .find((path) => existsSync(path));
}

/** How often a page is asked whether it has come so far. */
const POLL_MS = 100;

// What the drivers have for it makes a function of text in the page, which its policy forbids. Ends
// with the tab, whose evaluation fails then.
async function poll(isSo: () => Promise<unknown>): Promise<void> {
  while (!(await isSo())) await setTimeout(POLL_MS);
}

const SIZE = { width: 1_200, height: 900 };
const chromiumPath = executable("chromium", "chromium-browser", "google-chrome");
const firefoxPath = executable("firefox-esr", "firefox");

export const chromium: BrowserKind = {
  name: "Chromium",
  missing: chromiumPath === undefined ? " (skipped: no chromium)" : "",
  schemes: ["light", "dark"],
  async launch() {
    const { chromium: type } = await import("playwright-core");
    const browser = await type.launch({
      executablePath: chromiumPath as string,
      // The kernel's sandbox is not to be had by root, nor in most containers.
      args: ["--no-sandbox"],
      env: foreignEnvironment() as Record<string, string>,
    });
    return {
      open: async ({ dark = false, insecure = false } = {}) => {
        const context = await browser.newContext({
          viewport: SIZE,
          colorScheme: dark ? "dark" : "light",
          ignoreHTTPSErrors: insecure,
        });
        const page = await context.newPage();
        const complaints: string[] = [];
        page.on("console", (message) => {
          if (message.type() === "error") complaints.push(message.text());
        });
        page.on("pageerror", (error) => complaints.push(String(error)));
        return {
          complaints,
          evaluate: (expression) => page.evaluate(expression),
          until: (expression) => poll(() => page.evaluate(`Boolean(${expression})`)),
          goto: async (url) => void (await page.goto(url)),
          press: (key) => page.keyboard.press(key),
          type: (text) => page.keyboard.type(text),
          click: (selector) => page.click(selector),
          resize: (width, height) => page.setViewportSize({ width, height }),
          tree: () => page.locator("body").ariaSnapshot(),
          close: () => context.close(),
        };
      },
      close: () => browser.close(),
    };
  },
};

export const firefox: BrowserKind = {
  name: "Firefox",
  missing: firefoxPath === undefined ? " (skipped: no firefox-esr)" : "",
  // For all pages of a process; light is what Chromium has in most tests.
  schemes: ["dark"],
  async launch() {
    const { default: puppeteer } = await import("puppeteer-core");
    const browser = await puppeteer.launch({
      browser: "firefox",
      executablePath: firefoxPath as string,
      headless: true,
      env: foreignEnvironment(),
      defaultViewport: SIZE,
      acceptInsecureCerts: true,
      // Dark.
      extraPrefsFirefox: { "layout.css.prefers-color-scheme.content-override": 0 },
    });
    return {
      open: async () => {
        const context = await browser.createBrowserContext();
        const page = await context.newPage();
        const complaints: string[] = [];
        page.on("console", (message) => {
          if (message.type() === "error") complaints.push(message.text());
        });
        page.on("pageerror", (error) => complaints.push(String(error)));
        return {
          complaints,
          evaluate: <T>(expression: string) => page.evaluate(expression) as Promise<T>,
          until: (expression) => poll(() => page.evaluate(`Boolean(${expression})`)),
          goto: async (url) => void (await page.goto(url)),
          press: (key) => page.keyboard.press(key as "Tab"),
          type: (text) => page.keyboard.type(text),
          click: (selector) => page.click(selector),
          resize: (width, height) => page.setViewport({ width, height }),
          close: () => context.close(),
        };
      },
      close: () => browser.close(),
    };
  },
};

export const kinds: readonly BrowserKind[] = [chromium, firefox];

/** The text of what a selector finds; empty where there is nothing. */
export function textOf(selector: string): string {
  return `(document.querySelector(${JSON.stringify(selector)})?.textContent ?? "")`;
}
