// The page of `npm start` in a browser, with the program itself behind it: the cases.
// Not here: which browser (page-*.test.ts).

import { once } from "node:events";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import WS from "ws";
import { hasOpenssl } from "../adapters/certificates.ts";
import { cleanUps, Run } from "../cli/support.ts";
import { contrastFindings } from "./contrast.ts";
import { type Browser, type BrowserKind, type Tab, textOf } from "./support.ts";

const START = new URL("../../dist/start.js", import.meta.url).pathname;
/** For a browser that has to be started first. */
const LAUNCH_MS = 60_000;

afterAll(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

interface Service {
  readonly run: Run;
  readonly page: string;
  readonly webSocket: string;
}

async function start(...args: string[]): Promise<Service> {
  const run = new Run(process.execPath, [START, "--port", "0", ...args]);
  await run.says("out", /Ctrl-C ends it\.\n/);
  const [page = "", webSocket = ""] = [...run.out.matchAll(/\S+:\/\/\S+/g)].map(([url]) => url);
  return { run, page, webSocket };
}

const IS_ALIVE = `${textOf("#link-text")} === "alive"
  && !document.getElementById("silence").disabled
  && document.querySelectorAll(".card").length > 0`;
const OWN_CARD = `[...document.querySelectorAll(".card")].find(
  (card) => card.textContent.includes("(this page)") && !/closed|failed/.test(card.dataset.state))`;

/** The tests of the page in one browser; a file for each, so that they run side by side. */
export function describePageIn(kind: BrowserKind, first: MoreCases = () => {}): void {
  describe.skipIf(kind.missing !== "")(`the page in ${kind.name}${kind.missing}`, () => {
    describePage(kind, first);
  });
}

/** Cases that come before all others, with how to open the page. */
type MoreCases = (open: () => Promise<Tab>) => void;

function describePage(kind: BrowserKind, first: MoreCases): void {
  let browser: Browser;
  let service: Service;
  let tab: Tab;

  beforeAll(async () => {
    [browser, service] = await Promise.all([kind.launch(), start()]);
  }, LAUNCH_MS);
  afterAll(() => browser?.close());
  afterEach(() => tab?.close());

  async function open(options?: Parameters<Browser["open"]>[0]): Promise<Tab> {
    tab = await browser.open(options);
    await tab.goto(service.page);
    await tab.until(IS_ALIVE);
    return tab;
  }

  first(open);

  test("shows its own connection: state, age, bytes, round trip, keepalive, history, plot", async () => {
    await open();
    await tab.until(`document.querySelector("#plot path.line")`);
    const card = await tab.evaluate<string>(`${OWN_CARD}.innerText`);
    expect(card).toMatch(/^WebSocket 127\.0\.0\.1:\d+ \(this page\)\s+ready\s/);
    expect(card).toMatch(/Age\s+\d+ s\s+Received\s+[\d.]+ K?i?B\s+Sent\s+[\d.]+ K?i?B/);
    expect(card).toMatch(/Round trip\s+[\d.]+ (µs|ms) ± [\d.]+ (µs|ms)/);
    expect(card).toMatch(/Keepalive\s+60 s \/ 10 s \/ 3/);
    expect(card).toMatch(/preparing\s+0\.0 s\s+ready\s+\d\.\d s/);
    expect(await tab.evaluate(textOf("#server-text"))).toBe("Service is up");
    expect(await tab.evaluate(textOf("#plot-summary"))).toMatch(/^Now: [\d.]+ (µs|ms)/);
    expect(tab.complaints).toEqual([]);
  });

  test("a message that is typed comes back", async () => {
    await open();
    await tab.click("#message");
    await tab.evaluate(`document.getElementById("message").select()`);
    await tab.type("there and <b>back</b>");
    await tab.press("Enter");
    await tab.until(`document.querySelectorAll("#log li").length === 2`);
    const said = await tab.evaluate(
      `[...document.querySelectorAll("#log li")].map((li) => li.textContent)`,
    );
    expect(said).toEqual(["sentthere and <b>back</b>", "echothere and <b>back</b>"]);
    expect(await tab.evaluate(textOf("#link-echoes"))).toBe("1");
    expect(tab.complaints).toEqual([]);
  });

  test("what peers say is text, whatever it looks like", async () => {
    await open();
    const socket = new WS(service.webSocket);
    await once(socket, "open");
    socket.close(4_000, '<img src=x onerror="alert(1)">');
    await tab.until(`document.querySelector("#ended").textContent.includes("onerror")`);
    expect(await tab.evaluate(`document.querySelectorAll(".card img").length`)).toBe(0);
    expect(tab.complaints).toEqual([]);
  });

  test("the switch stops the answers, the page notices the dead peer, and connects again", async () => {
    await open();
    await tab.click("#silence");
    await tab.until(`document.getElementById("silence").getAttribute("aria-checked") === "true"`);
    await tab.until(`${OWN_CARD}?.dataset.state === "silent"`);
    await tab.until(`document.getElementById("verdict").dataset.state === "dead"`);
    const verdict = await tab.evaluate<string>(textOf("#verdict"));
    const seconds = Number(/^Dead: noticed after (\d\.\d) s without an answer/.exec(verdict)?.[1]);
    expect(seconds).toBeGreaterThanOrEqual(3);
    expect(seconds).toBeLessThan(5);
    expect(await tab.evaluate(textOf("#announcer"))).toBe(verdict);
    // The switch is of no use any more, and had the focus.
    expect(await tab.evaluate("document.activeElement.id")).toBe("again");
    expect(await tab.evaluate(`${OWN_CARD}.innerText`)).toMatch(/not answering\s+\d+\.\d s/);
    await tab.click("#again");
    await tab.until(IS_ALIVE);
    await tab.until(`${OWN_CARD}?.dataset.state === "ready"`);
    expect(await tab.evaluate(textOf("#verdict"))).toBe("Nothing has been noticed.");
  });

  test("B14: a client of hawser's, no more answered, fails with HEARTBEAT_TIMEOUT", async () => {
    await open();
    await tab.click("#client");
    const cardOf = (title: string) =>
      `[...document.querySelectorAll(".card")].find((card) => card.querySelector("h3").textContent.match(/${title}/))`;
    const server = cardOf("^WebSocket .*client-1");
    const client = cardOf("^Client of hawser.*client-1");
    await tab.until(`${server} && ${client}`);
    await tab.evaluate(`${server}.querySelector("[role=switch]").click()`);
    await tab.until(`${client}.dataset.state === "failed"`);
    expect(await tab.evaluate(`${client}.querySelector(".history").innerText`)).toMatch(
      /failed: HEARTBEAT_TIMEOUT\s+\d+\.\d s/,
    );
    expect(await tab.evaluate(textOf("#announcer"))).toMatch(/failed|closed/);
  });

  test("everything is reached with the keyboard, in the order in which it is read", async () => {
    await open();
    const names: string[] = [];
    for (let n = 0; n < 7; n++) {
      await tab.press("Tab");
      names.push(await tab.evaluate(NAME_OF_FOCUS));
    }
    const plain = names.map((name) => name.replace(/[\d.]+:\d+/, "PEER"));
    expect(plain).toEqual([
      "To the connections",
      "Message to be echoed",
      "Send",
      "The server stops answering this page",
      "Add a client of hawser's",
      "Stop answering WebSocket PEER (this page)",
      "Close WebSocket PEER (this page)",
    ]);
  });

  test("the space bar works the switch, and the focus stays where it is", async () => {
    await open();
    for (let n = 0; n < 4; n++) await tab.press("Tab");
    expect(await tab.evaluate("document.activeElement.id")).toBe("silence");
    await tab.press(" ");
    await tab.until(`document.getElementById("silence").getAttribute("aria-checked") === "true"`);
    // However often the cards are renewed.
    await tab.until(`${OWN_CARD}?.dataset.state === "silent"`);
    expect(await tab.evaluate("document.activeElement.id")).toBe("silence");
  });

  test("nothing is cut off or scrolls sideways on small screens, 320 px wide and more", async () => {
    await open();
    for (const width of [768, 360, 320]) {
      await tab.resize(width, 740);
      await tab.until(`innerWidth === ${width}`);
      await tab.until(
        `document.querySelector("#plot svg").getBoundingClientRect().width < ${width}`,
      );
      expect(await tab.evaluate(beyond(width))).toEqual([]);
      const scrolled = await tab.evaluate("document.documentElement.scrollWidth");
      expect(scrolled).toBeLessThanOrEqual(width);
      expect(await tab.evaluate(LOW_CONTROLS)).toEqual([]);
    }
  });

  test("Ctrl-C closes its WebSockets with 1001, which the page says, and ends with 0", async () => {
    const own = await start();
    tab = await browser.open();
    await tab.goto(own.page);
    await tab.until(IS_ALIVE);
    const closed = tab.evaluate(`new Promise((resolve) => {
      const socket = new WebSocket(location.origin.replace("http", "ws"));
      socket.onopen = () => { window.isOpen = true; };
      socket.onclose = ({ code, wasClean }) => resolve({ code, wasClean });
    })`);
    await tab.until("window.isOpen");
    own.run.child.kill("SIGINT");
    expect(await closed).toEqual({ code: 1_001, wasClean: true });
    await tab.until(`document.getElementById("link").dataset.state === "closed"`);
    expect(await tab.evaluate(textOf("#verdict"))).toBe(
      "The server has closed it, with code 1001.",
    );
    await tab.until(`${textOf("#server-text")} === "Service has said goodbye (1001)"`);
    expect(own.run.child.exitCode ?? (await own.run.ended())).toBe(0);
  });

  test.skipIf(!hasOpenssl)(
    `over TLS it is the same page, with wss${hasOpenssl ? "" : " (skipped: no openssl)"}`,
    async () => {
      const own = await start("--tls");
      tab = await browser.open({ insecure: true });
      await tab.goto(own.page);
      await tab.until(IS_ALIVE);
      const card = await tab.evaluate<string>(`${OWN_CARD}.innerText`);
      expect(card).toMatch(/^WebSocket over TLS \S+:\d+ \(this page\)\s+ready\s/);
      expect(card).toMatch(/Round trip\s+[\d.]+ (µs|ms) ±/);
      expect(tab.complaints).toEqual([]);
    },
  );

  test.each(kind.schemes)(
    "text stands out from its ground when %s (WCAG 2.2, 1.4.3)",
    async (scheme) => {
      await open({ dark: scheme === "dark" });
      const ground = await tab.evaluate<string>("getComputedStyle(document.body).backgroundColor");
      expect(ground).toBe(scheme === "dark" ? "rgb(14, 21, 24)" : "rgb(244, 246, 247)");
      expect(await contrastFindings(tab)).toEqual([]);
    },
  );
}

/** What stands out on the right of a page so wide. */
const beyond = (width: number) => `[...document.body.querySelectorAll("*")]
  .filter((node) => !node.closest(".visually-hidden, .skip"))
  .filter((node) => node.getBoundingClientRect().right > ${width} + 0.5)
  .map((node) => node.tagName + "." + node.className)`;

/** What is too low for a finger. */
const LOW_CONTROLS = `[...document.querySelectorAll("button, input")]
  .filter((node) => node.offsetParent !== null && node.offsetHeight < 40)
  .map((node) => node.textContent)`;

const NAME_OF_FOCUS = `(() => {
  const node = document.activeElement;
  return node.getAttribute("aria-label") ?? node.labels?.[0]?.textContent.trim() ??
    node.textContent.trim();
})()`;
