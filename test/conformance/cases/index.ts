// All cases, in the order of their sections. Their number is part of the suite: conformance.test.ts
// holds it.

import type { Case, Scale } from "../case.ts";
import { closing } from "./closing.ts";
import { compression } from "./compression.ts";
import { opcodes, pings, reservedBits } from "./control.ts";
import { fragmentation } from "./fragmentation.ts";
import { framing } from "./framing.ts";
import { limits } from "./limits.ts";
import { utf8 } from "./utf8.ts";

export const SECTIONS: Readonly<Record<string, string>> = {
  1: "framing",
  2: "pings and pongs",
  3: "reserved bits",
  4: "opcodes",
  5: "fragmentation",
  6: "UTF-8",
  7: "closing",
  9: "limits and performance",
  10: "automatic fragmentation",
  12: "compression, kinds of content",
  13: "compression, parameters",
  14: "compression, rules",
};

export function allCases(scale: Scale): readonly Case[] {
  return [
    ...framing,
    ...pings,
    ...reservedBits,
    ...opcodes,
    ...fragmentation,
    ...utf8,
    ...closing,
    ...limits(scale),
    ...compression(scale),
  ];
}
