// How declarations are taken from sources and put into a page. Not here: docs/api.md itself.

import { describe, expect, test } from "vitest";
import { declarationsOf, fill } from "../../scripts/generate-api.ts";

const SOURCE = `
// A remark above the ruler.
import type { Other } from "./other.ts";
type Hidden = 1;

/** What it is. */
export class Thing {
  #secret = 1;
  private alsoSecret(): void {}
  /** Bytes, default 5. */
  readonly size: number = 5;
  /** Runs. */
  run(other: Other): void {
    this.alsoSecret();
    console.log(other, this.#secret);
  }
}
// ------- ruler

/** A size. */
export type Size = number;
export const LIMIT: number = 3;
`;

describe("declarationsOf", () => {
  const found = declarationsOf(SOURCE, "lib/thing.ts");

  test("takes what is exported, in order", () => {
    expect(found.map((one) => one.name)).toEqual(["Thing", "Size", "LIMIT"]);
  });

  test("keeps docstrings and leaves out bodies, private members and remarks", () => {
    expect(found[0]?.text).toBe(
      [
        "/** What it is. */",
        "export declare class Thing {",
        "  /** Bytes, default 5. */",
        "  readonly size: number;",
        "  /** Runs. */",
        "  run(other: Other): void;",
        "}",
      ].join("\n"),
    );
    expect(found[1]?.text).toBe("/** A size. */\nexport type Size = number;");
  });
});

describe("fill", () => {
  const read = () => SOURCE;
  const page = (names: string, body: string) =>
    `# A\n<!-- from lib/thing.ts${names} -->\n\`\`\`ts\n${body}\`\`\`\nafter\n`;

  test("replaces what stands in a marked block, and only that", () => {
    const filled = "/** A size. */\nexport type Size = number;\n";
    expect(fill(page(": Size", "old\n"), read)).toBe(page(": Size", filled));
    expect(fill(page(": Size", ""), read)).toBe(page(": Size", filled));
    expect(fill(page(": Size", filled), read)).toBe(page(": Size", filled));
  });

  test("takes everything where no name is given", () => {
    expect(fill(page("", ""), read)).toContain("export declare class Thing");
    expect(fill(page("", ""), read)).toContain("LIMIT");
  });

  test("says which name or block is missing", () => {
    expect(() => fill(page(": Sise", ""), read)).toThrow("lib/thing.ts exports no Sise");
    expect(() => fill("<!-- from a.ts -->\ntext", read)).toThrow("No block");
    expect(() => fill("<!-- from a.ts -->\n```ts\n", read)).toThrow("does not end");
  });
});
