// The options of the `ws` package in this library's terms.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { WebSocketServer, WebSocket as WS } from "ws";
import { shareOf, type WsCommonOptions } from "../../lib/websocket/ws-options.ts";

const share = (options: WsCommonOptions = {}, deflates = false) =>
  shareOf("server", options, deflates, {});

test("defaults are those of ws", () => {
  const { settings, closeTimeout } = share();
  expect(settings.limits.maxMessageBytes).toBe(104_857_600);
  expect(settings.limits.maxFragments).toBe(16_384);
  expect(settings.deflate).toBeNull();
  expect([settings.autoPong, settings.deliverWhileClosing, closeTimeout]).toEqual([
    true,
    true,
    30_000,
  ]);
  expect(share({}, true).settings.deflate?.threshold).toBe(1_024);
});

test("0 is no limit", () => {
  const { limits } = share({ maxPayload: 0, maxFragments: 0 }).settings;
  expect([limits.maxMessageBytes, limits.maxFragments]).toEqual([
    Number.POSITIVE_INFINITY,
    Number.POSITIVE_INFINITY,
  ]);
  const small = share({ maxPayload: 10, maxFragments: 3, closeTimeout: 5, autoPong: false });
  expect(small.settings.limits).toMatchObject({ maxMessageBytes: 10, maxFragments: 3 });
  expect([small.closeTimeout, small.settings.autoPong]).toEqual([5, false]);
});

test("compression: windows, takeover, threshold, level; the rest of zlib's is ignored", () => {
  const perMessageDeflate = {
    serverNoContextTakeover: true,
    clientNoContextTakeover: false,
    serverMaxWindowBits: 10,
    clientMaxWindowBits: 11,
    threshold: 12,
    concurrencyLimit: 3,
    zlibDeflateOptions: { level: 2, memLevel: 4, chunkSize: 99 },
    zlibInflateOptions: { chunkSize: 99 },
  };
  expect(share({ perMessageDeflate }).settings.deflate).toMatchObject({
    serverNoContextTakeover: true,
    clientNoContextTakeover: false,
    serverMaxWindowBits: 10,
    clientMaxWindowBits: 11,
    threshold: 12,
    level: 2,
    memLevel: 4,
  });
  // In an offer of ws's, true says that the other side may choose.
  const open = share({ perMessageDeflate: { clientMaxWindowBits: true } });
  expect(open.settings.deflate).toEqual(share({ perMessageDeflate: true }).settings.deflate);
  expect(share({ perMessageDeflate: false }, true).settings.deflate).toBeNull();
});

test("wrong values are refused", () => {
  expect(() => share({ perMessageDeflate: { serverMaxWindowBits: 16 } })).toThrow(RangeError);
  expect(() => share({ maxPayload: 1.5 })).toThrow(RangeError);
});

test("the table of docs/api.md names each option, event and method that the package has", () => {
  const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
  const files = ["websocket", "websocket-server", "permessage-deflate"];
  const source = files.map((file) => read(`node_modules/ws/lib/${file}.js`)).join("\n");
  const named = (pattern: RegExp) => [...source.matchAll(pattern)].map((match) => match[1] ?? "");
  const methods = [WS.prototype, WebSocketServer.prototype].flatMap((one) =>
    Object.getOwnPropertyNames(one).filter((name) =>
      /^(?:close|terminate|p\w+e|send|p.ng)$/.test(name),
    ),
  );
  const names = new Set([
    ...named(/@param \{[^}]*\} \[options\.(\w+)/g),
    ...named(/\.emit\(\s*'([\w-]+)'/g),
    ...methods,
  ]);
  // Who makes one asks for it in no option.
  for (const own of ["isServer"]) names.delete(own);
  expect(names.size).toBeGreaterThan(45);
  const page = read("docs/api.md");
  const table = page.slice(page.indexOf("| Of `ws` | How it is met |"), page.indexOf("\n## TLS"));
  expect([...names].filter((name) => !table.includes(`\`${name}\``))).toEqual([]);
});
