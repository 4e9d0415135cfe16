// hawser's WebSocket server and the browsers' clients: messages of every size both ways, with and
// without compression, and closes from both sides. Not here: the page of `npm start`.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  listen,
  type Message,
  type WebSocketConnection,
  type WebSocketListener,
  type WebSocketListenOptions,
} from "../../lib/index.ts";
import { fingerprint, pattern } from "../support/bytes.ts";
import { type Browser, kinds, type Tab } from "./support.ts";

/** For a browser that has to be started first. */
const LAUNCH_MS = 60_000;

// What the tests call in the browser: text, since it runs there. `open` gives a WebSocket whose
// messages and end can be awaited; `pattern` and `fingerprint` do as those of test/support.
const TOOLS = `
  window.open = (path, protocols) => new Promise((resolve, reject) => {
    const socket = new WebSocket(location.origin.replace("http", "ws") + path, protocols ?? []);
    socket.binaryType = "arraybuffer";
    const messages = [];
    const waiting = [];
    socket.onmessage = ({ data }) =>
      waiting.length > 0 ? waiting.shift()(data) : messages.push(data);
    socket.next = () =>
      new Promise((resolve) =>
        messages.length > 0 ? resolve(messages.shift()) : waiting.push(resolve));
    socket.closed = new Promise((resolve) => {
      socket.onclose = ({ code, reason, wasClean }) => resolve({ code, reason, wasClean });
    });
    socket.onopen = () => resolve(socket);
    socket.onerror = () => reject(new Error("no WebSocket"));
  });
  window.pattern = (length, seed) => {
    const bytes = new Uint8Array(length);
    let state = (seed * 2654435761) >>> 0 || 1;
    for (let at = 0; at < length; at++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      bytes[at] = state;
    }
    return bytes;
  };
  window.fingerprint = async (data) => {
    const bytes = typeof data === "string" ? new TextEncoder().encode(data) : new Uint8Array(data);
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    const hex = [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return bytes.length + " bytes, sha256 " + hex;
  };
  undefined;
`;

/** Around the borders of the length forms (RFC 6455 section 5.2), of our buffers, and large. */
const SIZES = [0, 1, 125, 126, 4_096, 65_535, 65_536, 2_000_000];
/** Where every message begins anew with an empty window. */
const FEWER_SIZES = [126, 65_536];
const CLOSES = [
  [1_000, ""],
  [1_001, "going away"],
  [1_003, "no such data"],
  [1_008, "no such manners"],
  [1_011, "ouch"],
  [3_000, "a registered one"],
  [4_999, "of the application's \u{1f9f5}"],
] as const;

for (const kind of kinds) {
  describe.skipIf(kind.missing !== "")(`${kind.name}${kind.missing}`, () => {
    let browser: Browser;
    beforeAll(async () => {
      browser = await kind.launch();
    }, LAUNCH_MS);
    afterAll(() => browser?.close());

    describe.each([
      ["without compression", false],
      ["with permessage-deflate", true],
      [
        "with permessage-deflate without context takeover",
        { serverNoContextTakeover: true, clientNoContextTakeover: true },
      ],
    ] as const)("%s", (_, perMessageDeflate) => {
      talk(() => browser, { perMessageDeflate });
    });
  });
}

function talk(browser: () => Browser, options: WebSocketListenOptions): void {
  let listener: WebSocketListener;
  let tab: Tab;
  /** The server's end of the WebSocket that was opened last, and how it ended. */
  let socket: WebSocketConnection;
  let opened: (socket: WebSocketConnection) => void = () => {};
  let received: Message[] = [];
  let ended: Promise<{ code: number; reason: string; error: unknown }>;

  beforeAll(async () => {
    let end: (how: Awaited<typeof ended>) => void = () => {};
    listener = await listen("ws://127.0.0.1:0", {
      ...options,
      http: (_request, response) => {
        response.setHeader("Content-Type", "text/html");
        response.end("<!doctype html><title>WebSockets</title>");
      },
      upgrade: ({ protocols }) => (protocols.includes("b") ? { protocol: "b" } : undefined),
      open: (one) => {
        socket = one;
        received = [];
        ended = new Promise((resolve) => {
          end = resolve;
        });
        opened(one);
      },
      message: (from, message) => {
        if (from.url.endsWith("/echo")) from.write(message);
        else if (from.url.endsWith("/abort")) from.abort();
        else received.push(message);
      },
      close: (_closed, code, reason, error) => end({ code, reason, error }),
    });
    tab = await browser().open();
    await tab.goto(`http://127.0.0.1:${listener.port}/`);
    await tab.evaluate(TOOLS);
  }, LAUNCH_MS);
  afterAll(async () => {
    await tab?.close();
    await listener?.close({ timeout: 0 });
  });

  /** The server's end of the next one. */
  const nextOpened = () =>
    new Promise<WebSocketConnection>((resolve) => {
      opened = resolve;
    });
  const run = <T>(body: string) => tab.evaluate<T>(`(async () => { ${body} })()`);

  test("what was offered is agreed on, and a subprotocol", async () => {
    const [extensions, protocol] = await run<[string, string]>(`
      const socket = await open("/", ["a", "b"]);
      socket.close();
      return [socket.extensions, socket.protocol];`);
    const { perMessageDeflate: asked } = options;
    // Firefox leaves the parameters out of what it tells.
    expect(extensions.split(";")[0]).toBe(asked === false ? "" : "permessage-deflate");
    expect(socket.extensions.startsWith(extensions)).toBe(true);
    const isWithout = socket.extensions.includes("server_no_context_takeover");
    expect(isWithout).toBe(typeof asked === "object");
    expect(protocol).toBe("b");
  });

  const hasOptions = typeof options.perMessageDeflate === "object";
  test.each(hasOptions ? FEWER_SIZES : SIZES)(
    "%i bytes and characters come back as they went",
    async (size) => {
      const wrong = await run<string[]>(`
      const socket = await open("/echo");
      const wrong = [];
      const bytes = pattern(${size}, 7);
      socket.send(bytes);
      if (await fingerprint(await socket.next()) !== await fingerprint(bytes)) wrong.push("bytes");
      const text = "h\u00e4\u{1f9f5}".repeat(${Math.ceil(size / 4)}).slice(0, ${size & ~3});
      socket.send(text);
      if (await socket.next() !== text) wrong.push("text");
      socket.close();
      await socket.closed;
      return wrong;`);
      expect(wrong).toEqual([]);
    },
  );

  test("what the server sends first arrives whole and in order, small and large mixed", async () => {
    const there = nextOpened();
    const got = run<string[]>(`
      const socket = await open("/");
      const got = [];
      for (let n = 0; n < 203; n++) got.push(await fingerprint(await socket.next()));
      socket.close();
      return got;`);
    const messages = Array.from({ length: 200 }, (_, n): Message => `message ${n}`);
    messages.push(pattern(2_000_000, 3), "x".repeat(1_000_000), Buffer.alloc(0));
    const one = await there;
    for (const message of messages) one.write(message);
    expect(await got).toEqual(messages.map((message) => fingerprint(message)));
  });

  test("what the browser sends at once arrives whole and in order", async () => {
    await run(`
      const socket = await open("/");
      for (let n = 0; n < 500; n++) socket.send("message " + n);
      socket.send(pattern(2_000_000, 5));
      socket.send(new Blob(["a blob"]));
      socket.close();
      return socket.closed;`);
    await ended;
    expect(received).toHaveLength(502);
    expect(received.slice(0, 500)).toEqual(Array.from({ length: 500 }, (_, n) => `message ${n}`));
    expect(fingerprint(received[500] as Buffer)).toBe(fingerprint(pattern(2_000_000, 5)));
    expect(received[501]).toEqual(Buffer.from("a blob"));
  });

  test("B42: a close of the browser's is answered, and told with its code and reason", async () => {
    for (const [code, reason] of [
      [1_000, ""],
      [3_000, "a registered one"],
      [4_999, "\u{1f9f5}"],
    ]) {
      const there = await run(`
        const socket = await open("/");
        socket.close(${code}, ${JSON.stringify(reason)});
        return socket.closed;`);
      // The answer has the code, and no reason of its own.
      expect(there).toEqual({ code, reason: "", wasClean: true });
      expect(await ended).toEqual({ code, reason, error: null });
    }
  });

  test("B42: one without a code is 1005 on both sides", async () => {
    const there = await run(`
      const socket = await open("/");
      socket.close();
      return socket.closed;`);
    expect(there).toEqual({ code: 1_005, reason: "", wasClean: true });
    expect(await ended).toEqual({ code: 1_005, reason: "", error: null });
  });

  test.each(CLOSES)(
    "B42: a close of the server's with %i arrives as it is",
    async (code, reason) => {
      const opening = nextOpened();
      const there = run(`return (await open("/")).closed;`);
      const result = (await opening).close(code, reason);
      expect(await there).toEqual({ code, reason, wasClean: true });
      expect(await result).toMatchObject({ code, reason, wasClean: true, error: null });
    },
  );

  test("B42: no close at all is 1006", async () => {
    const there = await run(`
      const socket = await open("/abort");
      socket.send("now");
      return socket.closed;`);
    expect(there).toEqual({ code: 1_006, reason: "", wasClean: false });
    expect(await ended).toMatchObject({ code: 1_006 });
  });
}
