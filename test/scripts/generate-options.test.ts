// The generator of option tables: fresh output, and what it refuses in a table.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  generated,
  optionsPage,
  optionTable,
  tcpInfoTable,
} from "../../scripts/generate-options.ts";
import { optionRows, tcpInfoRows } from "../../scripts/option-rows.ts";

const HEADERS = {
  linux: "inline constexpr int kOne = SO_ONE;\ninline constexpr int kTwo = kAbsent;\n",
  darwin: "inline constexpr int kOne = 7;\ninline constexpr int kTwo = 0x9;\n",
};
const ONE =
  'HAWSER_OPTION(SO_ONE, kSocket, kOne, kBoolean, kNone, kReadWrite, "SO_TWO",\n' +
  '  "One, (with) " "\\"care\\".")\n';
const TWO =
  'HAWSER_OPTION(SO_TWO, kTcp, kTwo, kUnsigned, kSeconds, kWriteOnly, "", "Two|three.")\n';

describe("the generated files", () => {
  it("are fresh", () => {
    for (const [path, text] of generated()) {
      const file = new URL(`../../${path}`, import.meta.url);
      expect(readFileSync(file, "utf8") === text, `${path}: run scripts/generate-options.ts`).toBe(
        true,
      );
    }
  });

  it("say what the rows say", () => {
    const rows = optionRows(ONE + TWO, HEADERS);
    const table = optionTable(rows);
    expect(table).toContain("readonly SO_ONE: boolean;");
    expect(table).toContain("readonly SO_ONE: boolean | 0 | 1;");
    // What can only be set is in one of the two interfaces.
    expect(table.match(/readonly SO_TWO: number;/g)).toHaveLength(1);
    expect(table).toContain("Unit: seconds. macOS: tcp(4).");
    const page = optionsPage(rows, []);
    expect(page).toContain("See also SO_TWO.");
    expect(page).toContain("Two\\|three.");
    expect(page).not.toContain("## UDP");
  });
});

describe("rows of options", () => {
  it("are read with commas, parentheses, escapes and strings side by side", () => {
    expect(optionRows(ONE + TWO, HEADERS)).toEqual([
      {
        name: "SO_ONE",
        level: "socket",
        kind: "boolean",
        unit: "",
        access: "read-write",
        counterpart: "SO_TWO",
        help: 'One, (with) "care".',
        systems: ["linux", "darwin"],
      },
      {
        name: "SO_TWO",
        level: "tcp",
        kind: "unsigned",
        unit: "seconds",
        access: "write-only",
        counterpart: "",
        help: "Two|three.",
        systems: ["darwin"],
      },
    ]);
  });

  it.each([
    ["twice", ONE + ONE + TWO, /SO_ONE has two rows/],
    ["a counterpart without a row", ONE, /SO_TWO has no row/],
    ["an unknown kind", TWO.replace("kUnsigned", "kFloat"), /SO_TWO: kFloat is not known/],
    ["a constant that a header lacks", TWO.replace("kTwo", "kSix"), /header has no kSix/],
    ["a missing column", TWO.replace("kSeconds, ", ""), /A row of 7 columns/],
    ["no help", TWO.replace('"Two|three."', '""'), /SO_TWO has no help/],
    ["no end", TWO.replace(")\n", ""), /does not end/],
  ])("are refused: %s", (_, def, message) => {
    expect(() => optionRows(def, HEADERS)).toThrow(message);
  });

  it("are refused where no system has the option", () => {
    const headers = { linux: HEADERS.linux, darwin: HEADERS.linux };
    expect(() => optionRows(TWO, headers)).toThrow(/No system has SO_TWO/);
  });
});

describe("rows of TCP_INFO", () => {
  it("are read, with the systems that have the field", () => {
    const rows = tcpInfoRows(
      'HAWSER_TCP_INFO(state, kState, Field(0, 1), Absent(), "State.")\n' +
        'HAWSER_TCP_INFO(ecn, kBoolean, Bits(5, 1, 3, 1), Bits(4, 4, 3, 1), "ECN.")\n',
    );
    expect(rows).toEqual([
      { name: "state", type: "state", help: "State.", systems: ["linux"] },
      { name: "ecn", type: "boolean", help: "ECN.", systems: ["linux", "darwin"] },
    ]);
    const table = tcpInfoTable(rows);
    expect(table).toContain("readonly state: TcpState | null;");
    expect(table).toContain("ecn: 1,");
    expect(table).toContain("TCP_INFO_FIELD_COUNT = 2;");
  });
});
