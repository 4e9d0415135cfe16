// Responses of the server: what is written, and what cannot be.

import { expect, test } from "vitest";
import { writeRefusal } from "../../../lib/websocket/protocol/index.ts";
import { responseHead, writeFields } from "../../../lib/websocket/protocol/responses.ts";

test("status line with the usual phrase, or another", () => {
  expect(responseHead(404, undefined, {}).toString()).toBe("HTTP/1.1 404 Not Found\r\n\r\n");
  expect(responseHead(404, "Nope", { A: "b" }).toString()).toBe(
    "HTTP/1.1 404 Nope\r\nA: b\r\n\r\n",
  );
  expect(responseHead(599, undefined, {}).toString()).toBe("HTTP/1.1 599 \r\n\r\n");
  expect(() => responseHead(200, "a\r\nb", {})).toThrow(TypeError);
});

test("no header can smuggle another line, at any control character", () => {
  for (let unit = 0; unit < 0x180; unit++) {
    const value = `a${String.fromCharCode(unit)}b`;
    const allowed = unit === 9 || (unit >= 0x20 && unit < 0x7f) || (unit >= 0x80 && unit <= 0xff);
    if (allowed) expect(writeFields({ x: value })).toBe(`x: ${value}\r\n`);
    else expect(() => writeFields({ x: value }), String(unit)).toThrow(TypeError);
  }
  expect(() => writeFields({ "x:y": "a" })).toThrow(TypeError);
  expect(() => writeFields({ x: 5 as unknown as string })).toThrow(/"headers.x" must be a string/);
  for (const value of [undefined, null, true, {}, [5], ["a", null], new Set(["a"])]) {
    const headers = { x: value as unknown as string };
    expect(() => writeFields(headers), String(value)).toThrow(/"headers.x" must be a string/);
  }
  expect(() => writeFields(null as unknown as Record<string, string>)).toThrow(TypeError);
});

test("the connection always closes, other connection options stay", () => {
  const text = writeRefusal(
    { status: 426, headers: { Connection: "Upgrade, Keep-Alive" } },
    false,
  ).toString();
  expect(text).toContain("\r\nConnection: Upgrade, close\r\n");
  const wrong = { status: 426, headers: { Connection: 5 as unknown as string } };
  expect(writeRefusal(wrong, false).toString()).toContain("\r\nConnection: 5, close\r\n");
});

test("the length is that of the bytes, whatever the caller says", () => {
  const headers = { "Content-Length": "1", "Transfer-Encoding": "chunked" };
  const text = writeRefusal({ status: 200, headers, body: Buffer.from("four") }, false).toString();
  expect(text.match(/content-length/gi)?.length).toBe(1);
  expect(text).toMatch(/Content-Length: 4\r\n\r\nfour$/);
  expect(text).not.toContain("chunked");
});

test.each([100, 101, 199, 600, 200.5])("status %d cannot refuse", (status) => {
  expect(() => writeRefusal({ status }, false)).toThrow(RangeError);
});
