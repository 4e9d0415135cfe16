// Every kept input of the fuzzer, again: what was found once stays fixed.

import { describe, expect, test } from "vitest";
import { readCorpus } from "./corpus.ts";
import { Mutator } from "./mutator.ts";
import { TARGETS } from "./targets.ts";

describe.each(TARGETS)("$name", (target) => {
  test("every kept input and seed holds its invariants", () => {
    const inputs = [...readCorpus(target.name), ...target.seeds];
    expect(inputs.length).toBeGreaterThan(target.seeds.length);
    for (const input of inputs) target.run(Buffer.from(input));
  });

  test("so do mutations of them", () => {
    const mutator = new Mutator(1, target.dictionary, 1_500);
    const pool = [...readCorpus(target.name), ...target.seeds];
    for (let round = 0; round < 300; round++) target.run(mutator.next(pool));
  });
});

test("mutations are repeatable from their seed", () => {
  const make = () => {
    const mutator = new Mutator(7, [Buffer.from("word")], 100);
    return Array.from({ length: 50 }, () => mutator.next([Buffer.from("input")]).toString("hex"));
  };
  expect(make()).toEqual(make());
  expect(new Set(make()).size).toBeGreaterThan(40);
});

test("an invariant that does not hold is noticed", () => {
  const connection = TARGETS.find(({ name }) => name === "frames");
  const original = Buffer.prototype.toString;
  let calls = 0;
  // A decoder that gives another text each time is what a chunking fault looks like.
  Buffer.prototype.toString = function (this: Buffer, ...rest: never[]) {
    return original.apply(this, rest) + calls++;
  };
  try {
    expect(() => connection?.run(Buffer.from("008105" + "48656c6c6f", "hex"))).toThrow();
  } finally {
    Buffer.prototype.toString = original;
  }
});
