// HTTP heads: line by line, byte by byte, and what is remembered of them.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  countHeader,
  HeadReader,
  joinHeaders,
  parseRequestLine,
  parseStatusLine,
  resolveHeadLimits,
} from "../../../lib/websocket/protocol/http-head.ts";

function read(text: string, cuts: readonly number[] = [], limits = {}): HeadReader {
  const bytes = Buffer.from(text, "latin1");
  const reader = new HeadReader(resolveHeadLimits(limits));
  let from = 0;
  for (const to of [...cuts, bytes.length]) {
    reader.push(bytes, from, to);
    from = to;
  }
  return reader;
}

test("start line and fields in order, values trimmed, latin1", () => {
  const { head, error } = read("START\r\nA: 1\r\nb:\t2 \t\r\nA:\r\nC: d\xe9\t e\r\n\r\n");
  expect(error).toBeNull();
  expect(head).toEqual({
    startLine: "START",
    rawHeaders: ["A", "1", "b", "2", "A", "", "C", "d\xe9\t e"],
  });
});

test("the index behind the head is given, wherever the chunk is cut", () => {
  const bytes = Buffer.from("S\r\nA: b\r\n\r\nREST");
  for (let at = 0; at <= bytes.length - 4; at++) {
    const reader = new HeadReader();
    const first = reader.push(bytes, 0, at);
    const end = reader.head === null ? reader.push(bytes, at, bytes.length) : first;
    expect(bytes.subarray(end).toString()).toBe("REST");
  }
});

describe("every byte", () => {
  const allowedInValue = (byte: number) => byte === 0x09 || (byte >= 0x20 && byte !== 0x7f);
  test("in a value", () => {
    for (let byte = 0; byte < 256; byte++) {
      const { error, head } = read(`S\r\nA: x${String.fromCharCode(byte)}y\r\n\r\n`);
      expect(head !== null, String(byte)).toBe(allowedInValue(byte));
      expect(error?.status).toBe(allowedInValue(byte) ? undefined : 400);
    }
  });

  test("in a name", () => {
    for (let byte = 0; byte < 256; byte++) {
      const character = String.fromCharCode(byte);
      const allowed = /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(character) || character === ":";
      expect(read(`S\r\nA${character}b: x\r\n\r\n`).head !== null, String(byte)).toBe(allowed);
    }
  });

  test("an error is told at the byte that makes it, and no later byte is needed", () => {
    for (const bad of [
      "S\n",
      "S\rx",
      "S\r\r",
      "S\0",
      "\r\n",
      "S\r\n x: y\r\n",
      "S\r\nx\r\n",
      "S\r\nx: y\r\n\n",
    ]) {
      const reader = read(bad);
      expect(reader.error?.status, JSON.stringify(bad)).toBe(400);
      expect(read(bad.slice(0, -1)).error).toBeNull();
    }
  });
});

test("B46 bounds of bytes and fields are exact, under any cutting", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 10, max: 60 }),
      fc.array(fc.nat(60), { maxLength: 6 }),
      (bound, seeds) => {
        const text = `S\r\nA: ${"x".repeat(20)}\r\n\r\n`;
        const cuts = seeds.map((seed) => seed % (text.length + 1)).sort((a, b) => a - b);
        const reader = read(text, cuts, { maxHeaderBytes: bound });
        expect(reader.head !== null).toBe(text.length <= bound);
        expect(reader.error?.status).toBe(text.length <= bound ? undefined : 431);
      },
    ),
  );
  expect(read("S\r\nA: b\r\nC: d\r\n\r\n", [], { maxHeaderCount: 2 }).head).not.toBeNull();
  expect(read("S\r\nA: b\r\nC: d\r\n\r\n", [], { maxHeaderCount: 1 }).error?.status).toBe(431);
});

test("fields are joined by name, prototypes cannot be reached", () => {
  const headers = joinHeaders(["A", "1", "a", "2", "__proto__", "x", "constructor", "y"]);
  expect(headers.a).toBe("1, 2");
  expect(Object.keys(headers)).toEqual(["a", "__proto__", "constructor"]);
  expect(Object.getPrototypeOf(headers)).toBeNull();
  expect(countHeader(["A", "1", "a", "2"], "a")).toBe(2);
});

test("request lines", () => {
  expect(parseRequestLine("GET /a?b HTTP/1.1")).toEqual({ method: "GET", target: "/a?b" });
  expect(parseRequestLine("get * HTTP/1.9")).toEqual({ method: "get", target: "*" });
  for (const bad of [
    "",
    "GET /",
    "GET / HTTP/1.1 ",
    " GET / HTTP/1.1",
    "G@T / HTTP/1.1",
    "GET /\xe9 HTTP/1.1",
    "GET / HTTP/11",
  ]) {
    expect(parseRequestLine(bad), bad).toMatchObject({ status: 400 });
  }
  expect(parseRequestLine("GET / HTTP/0.9")).toMatchObject({ status: 505 });
});

test("status lines", () => {
  expect(parseStatusLine("HTTP/1.1 200 OK then")).toEqual({
    minor: 1,
    status: 200,
    statusText: "OK then",
  });
  expect(parseStatusLine("HTTP/1.0 404")).toEqual({ minor: 0, status: 404, statusText: "" });
  expect(parseStatusLine("HTTP/1.1 404 ")).toMatchObject({ statusText: "" });
  for (const bad of [
    "HTTP/2 200 OK",
    "HTTP/1.1 20 OK",
    "HTTP/1.1 099 x",
    "HTTP/1.1  200",
    "ICY 200 OK",
    "HTTP/1.1 2000",
  ]) {
    expect(parseStatusLine(bad), bad).toBeNull();
  }
});
