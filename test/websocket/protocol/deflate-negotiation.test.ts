// permessage-deflate's negotiation: each parameter in offer and answer, several offers.

import { describe, expect, test } from "vitest";
import {
  acceptDeflate,
  checkDeflateAnswer,
  type DeflateSettings,
  offerDeflate,
  resolveDeflate,
} from "../../../lib/websocket/protocol/deflate-negotiation.ts";
import { type Extension, parseExtensions } from "../../../lib/websocket/protocol/header-values.ts";

function offers(text: string): Extension[] {
  const parsed = parseExtensions(text);
  if (parsed === null) throw new Error(`not a list: ${text}`);
  return parsed;
}

function accept(offer: string, settings: Partial<DeflateSettings> = {}): string | null {
  return acceptDeflate(offers(offer), resolveDeflate(settings))?.answer ?? null;
}

const P = "permessage-deflate";
const NONE = "server_no_context_takeover; client_no_context_takeover";

describe("the server's answer (RFC 7692 section 7.1)", () => {
  test.each<[string, Partial<DeflateSettings>, string | null]>([
    [P, {}, P],
    [`${P}; client_max_window_bits`, {}, P],
    [
      `${P}; client_max_window_bits`,
      { clientMaxWindowBits: 11 },
      `${P}; client_max_window_bits=11`,
    ],
    [`${P}; client_max_window_bits=10`, {}, `${P}; client_max_window_bits=10`],
    [
      `${P}; client_max_window_bits=10`,
      { clientMaxWindowBits: 12 },
      `${P}; client_max_window_bits=10`,
    ],
    [`${P}; client_max_window_bits=15`, {}, P],
    [P, { clientMaxWindowBits: 12 }, null],
    [`${P}; server_max_window_bits=9`, {}, `${P}; server_max_window_bits=9`],
    [`${P}; server_max_window_bits=15`, {}, `${P}; server_max_window_bits=15`],
    [
      `${P}; server_max_window_bits=12`,
      { serverMaxWindowBits: 10 },
      `${P}; server_max_window_bits=10`,
    ],
    [P, { serverMaxWindowBits: 8 }, `${P}; server_max_window_bits=8`],
    [`${P}; server_no_context_takeover`, {}, `${P}; server_no_context_takeover`],
    [P, { serverNoContextTakeover: true }, `${P}; server_no_context_takeover`],
    [`${P}; client_no_context_takeover`, {}, `${P}; client_no_context_takeover`],
    [P, { clientNoContextTakeover: true }, `${P}; client_no_context_takeover`],
    [`${P}; server_max_window_bits="10"`, {}, `${P}; server_max_window_bits=10`],
    // Offers that are declined.
    [`${P}; unknown`, {}, null],
    [`${P}; server_no_context_takeover=1`, {}, null],
    [`${P}; client_no_context_takeover=x`, {}, null],
    [`${P}; server_max_window_bits`, {}, null],
    [`${P}; server_max_window_bits=7`, {}, null],
    [`${P}; server_max_window_bits=16`, {}, null],
    [`${P}; server_max_window_bits=08`, {}, null],
    [`${P}; client_max_window_bits=0`, {}, null],
    [`${P}; client_max_window_bits; client_max_window_bits`, {}, null],
    ["x-other", {}, null],
    // Several: the first that can be kept.
    [`${P}; unknown, ${P}; server_max_window_bits=11, ${P}`, {}, `${P}; server_max_window_bits=11`],
    [
      `x, ${P}, ${P}; client_max_window_bits`,
      { clientMaxWindowBits: 9 },
      `${P}; client_max_window_bits=9`,
    ],
  ])("%s, given %j: %s", (offer, settings, expected) => {
    expect(accept(offer, settings)).toBe(expected);
  });
});

describe("the client", () => {
  test("offers what its settings say", () => {
    expect(offerDeflate(resolveDeflate())).toBe(`${P}; client_max_window_bits`);
    expect(
      offerDeflate(
        resolveDeflate({
          serverNoContextTakeover: true,
          clientNoContextTakeover: true,
          serverMaxWindowBits: 10,
          clientMaxWindowBits: 9,
        }),
      ),
    ).toBe(`${P}; ${NONE}; server_max_window_bits=10; client_max_window_bits=9`);
  });

  const judge = (answer: string, settings: Partial<DeflateSettings> = {}) =>
    checkDeflateAnswer(offers(answer)[0] as Extension, resolveDeflate(settings));

  test.each<[string, Partial<DeflateSettings>]>([
    [`${P}; unknown`, {}],
    [`${P}; client_max_window_bits`, {}],
    [`${P}; client_max_window_bits=12`, { clientMaxWindowBits: 11 }],
    [`${P}; server_max_window_bits=12`, { serverMaxWindowBits: 11 }],
    [P, { serverMaxWindowBits: 11 }],
    [P, { serverNoContextTakeover: true }],
    [`${P}; server_no_context_takeover; server_no_context_takeover`, {}],
    [`${P}; server_max_window_bits=16`, {}],
  ])("rejects %s, given %j", (answer, settings) => {
    expect(judge(answer, settings)).toBeNull();
  });

  test("takes what is stricter than it asked for", () => {
    expect(judge(`${P}; ${NONE}; server_max_window_bits=8; client_max_window_bits=9`)).toEqual({
      serverNoContextTakeover: true,
      clientNoContextTakeover: true,
      serverMaxWindowBits: 8,
      clientMaxWindowBits: 9,
    });
    expect(judge(P, { clientMaxWindowBits: 10, clientNoContextTakeover: true })).toMatchObject({
      clientMaxWindowBits: 10,
      clientNoContextTakeover: true,
    });
  });
});

test("every answer of the server is one that the client takes", () => {
  const bits = [8, 11, 15];
  for (const serverMaxWindowBits of bits) {
    for (const clientMaxWindowBits of bits) {
      for (const takeover of [0, 1, 2, 3]) {
        const settings = resolveDeflate({
          serverMaxWindowBits,
          clientMaxWindowBits,
          serverNoContextTakeover: (takeover & 1) !== 0,
          clientNoContextTakeover: (takeover & 2) !== 0,
        });
        for (const server of [
          resolveDeflate(),
          resolveDeflate({ serverMaxWindowBits: 9, clientMaxWindowBits: 10 }),
        ]) {
          const agreed = acceptDeflate(offers(offerDeflate(settings)), server);
          expect(agreed).not.toBeNull();
          const answer = offers(agreed?.answer ?? "")[0] as Extension;
          expect(checkDeflateAnswer(answer, settings)).toEqual(agreed?.parameters);
        }
      }
    }
  }
});

test("settings out of bounds throw", () => {
  const wrong = [
    { serverMaxWindowBits: 7 },
    { clientMaxWindowBits: 16 },
    { threshold: -1 },
    { level: 10 },
    { memLevel: 0 },
    { historyBytes: 32_769 },
    { serverNoContextTakeover: 1 as unknown as boolean },
  ];
  for (const settings of wrong) {
    expect(() => resolveDeflate(settings)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^ERR_(?:INVALID_ARG|OUT_OF_RANGE)/) }),
    );
  }
});
