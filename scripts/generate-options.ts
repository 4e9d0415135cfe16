// Makes lib/socket/option-table.ts, lib/socket/tcp-info-table.ts and docs/options.md from the
// native tables (native/socket/options.def, tcp_info.def) and the constants each system has.
//
//   node --import tsx scripts/generate-options.ts          writes
//   node --import tsx scripts/generate-options.ts --check  exits 1 when a file is stale
//
// Not here: reading the tables (option-rows.ts).

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  type OptionKind,
  type OptionLevel,
  type OptionRow,
  type OptionSystem,
  optionRows,
  type TcpInfoRow,
  tcpInfoRows,
} from "./option-rows.ts";

const SYSTEM_NAMES: Readonly<Record<OptionSystem, string>> = { linux: "Linux", darwin: "macOS" };

// The type that getOption gives, and the one that setOption takes.
const VALUE_TYPES: Readonly<Record<OptionKind, readonly [read: string, write: string]>> = {
  boolean: ["boolean", "boolean | 0 | 1"],
  integer: ["number", "number"],
  unsigned: ["number", "number"],
  linger: ["LingerValue", "LingerValue"],
  text: ["string", "string"],
  interfaceAddress: ["string", "string | number"],
  credentials: ["PeerCredentials", "never"],
  structure: ["TcpInfo", "never"],
};

interface Level {
  readonly title: string;
  /** Its manual page on each system. */
  readonly pages: Readonly<Record<OptionSystem, string>>;
}

const LEVELS: Readonly<Record<OptionLevel, Level>> = {
  socket: { title: "Any socket", pages: { linux: "socket(7)", darwin: "getsockopt(2)" } },
  local: { title: "Unix sockets", pages: { linux: "unix(7)", darwin: "unix(4)" } },
  tcp: { title: "TCP", pages: { linux: "tcp(7)", darwin: "tcp(4)" } },
  udp: { title: "UDP", pages: { linux: "udp(7)", darwin: "udp(4)" } },
  ip: { title: "IPv4", pages: { linux: "ip(7)", darwin: "ip(4)" } },
  ipv6: { title: "IPv6", pages: { linux: "ipv6(7)", darwin: "ip6(4)" } },
};

const readable = (row: OptionRow): boolean => row.access !== "write-only";
const writable = (row: OptionRow): boolean => row.access !== "read-only";

/** Where a row exists, with the manual page: `Linux: tcp(7); macOS: tcp(4)`. */
function places(row: OptionRow): string {
  const { pages } = LEVELS[row.level];
  return row.systems.map((system) => `${SYSTEM_NAMES[system]}: ${pages[system]}`).join("; ");
}

function docstring(row: OptionRow): string[] {
  const unit = row.unit === "" ? "" : ` Unit: ${row.unit}.`;
  return comment(`${row.help}${unit} ${places(row)}.`);
}

const WIDTH = 100;

/** A docstring of the second level of indentation, wrapped. */
function comment(words: string): string[] {
  if (`  /** ${words} */`.length <= WIDTH) return [`  /** ${words} */`];
  const lines: string[] = [];
  let line = "   *";
  for (const word of words.split(" ")) {
    if (`${line} ${word}`.length > WIDTH) {
      lines.push(line);
      line = "   *";
    }
    line += ` ${word}`;
  }
  return ["  /**", ...lines, line, "   */"];
}

export function optionTable(rows: readonly OptionRow[]): string {
  const lines = [
    "// Made by scripts/generate-options.ts from native/socket/options.def; do not edit.",
    "// The socket options: their names, types, and what the addon calls them.",
    "",
    'import type { LingerValue, OptionRow, PeerCredentials } from "./option-values.ts";',
    'import type { TcpInfo } from "./tcp-info-table.ts";',
    "",
    "/** What `getOption` gives for each option that can be read, in the kernel's own unit. */",
    "export interface OptionValues {",
    ...rows
      .filter(readable)
      .flatMap((row) => [
        ...docstring(row),
        `  readonly ${row.name}: ${VALUE_TYPES[row.kind][0]};`,
      ]),
    "}",
    "",
    "/** What `setOption` takes for each option that can be set, in the kernel's own unit. */",
    "export interface OptionInputs {",
    ...rows
      .filter(writable)
      .flatMap((row) => [
        ...docstring(row),
        `  readonly ${row.name}: ${VALUE_TYPES[row.kind][1]};`,
      ]),
    "}",
    "",
    "/** Every option. `index` is the addon's; a value's unit is the kernel's own. */",
    "export const OPTIONS = {",
    ...rows.flatMap(tableRow),
    "} as const satisfies Readonly<Record<string, OptionRow>>;",
    "",
  ];
  return lines.join("\n");
}

function tableRow(row: OptionRow, index: number): string[] {
  return [
    `  ${row.name}: {`,
    `    index: ${index},`,
    `    kind: ${JSON.stringify(row.kind)},`,
    `    unit: ${JSON.stringify(row.unit)},`,
    `    access: ${JSON.stringify(row.access)},`,
    `    systems: [${row.systems.map((system) => JSON.stringify(system)).join(", ")}],`,
    `    counterpart: ${JSON.stringify(row.counterpart)},`,
    "  },",
  ];
}

const INFO_TYPES: Readonly<Record<TcpInfoRow["type"], string>> = {
  number: "number",
  boolean: "boolean",
  state: "TcpState",
  congestion: "TcpCongestionState",
};

export function tcpInfoTable(rows: readonly TcpInfoRow[]): string {
  const lines = [
    "// Made by scripts/generate-options.ts from native/socket/tcp_info.def; do not edit.",
    "// What TCP_INFO (tcp(7)) and macOS's TCP_CONNECTION_INFO (tcp(4)) tell, and in which order the",
    "// addon writes it.",
    "",
    'import type { TcpCongestionState, TcpState } from "./option-values.ts";',
    "",
    "/**",
    " * What the kernel knows of a TCP connection. Units are in the names; counts have none, durations",
    " * are milliseconds with fraction. Null is what this system, or its version, does not tell.",
    " */",
    "export interface TcpInfo {",
    ...rows.flatMap((row) => [
      ...comment(`${row.help} ${systemNames(row.systems)}.`),
      `  readonly ${row.name}: ${INFO_TYPES[row.type]} | null;`,
    ]),
    "}",
    "",
    "/** Where each field stands in what the addon's `getTcpInfo` writes. */",
    "export const TCP_INFO_INDEX = {",
    ...rows.map((row, index) => `  ${row.name}: ${index},`),
    "} as const satisfies Readonly<Record<keyof TcpInfo, number>>;",
    "",
    `export const TCP_INFO_FIELD_COUNT = ${rows.length};`,
    "",
    "/** The fields that are not numbers. */",
    "export const TCP_INFO_TYPES = {",
    ...rows
      .filter((row) => row.type !== "number")
      .map((row) => `  ${row.name}: ${JSON.stringify(row.type)},`),
    '} as const satisfies Partial<Record<keyof TcpInfo, "boolean" | "state" | "congestion">>;',
    "",
  ];
  return lines.join("\n");
}

function systemNames(systems: readonly OptionSystem[]): string {
  return systems.map((system) => SYSTEM_NAMES[system]).join(", ");
}

const INTRODUCTION = `# Socket options

Made by \`scripts/generate-options.ts\` from \`native/socket/options.def\`; do not edit.

\`getOption(socket, name)\` and \`setOption(socket, name, value)\` read and set any of these on
hawser's sockets and on Node's own (net, tls, dgram, http); \`socketOptions: { NAME: value }\` of
\`connect\`, \`listen\` and \`tune\` sets several. Names are those of the manual pages and values
are in the **kernel's own unit**, which the table gives; hawser's own options (\`keepAlive\`,
\`dropTimeout\`, ...) are in milliseconds everywhere.

An option that a system lacks fails with ENOPROTOOPT, and the message says where it exists. Where
one idea has two names, each is a row of its own and names the other.

A boolean may be set as 0 or 1. A linger value is \`{ enabled, seconds }\`, credentials are
\`{ pid, uid, gid }\`.`;

const INFO_INTRODUCTION = `## What TCP_INFO tells

\`getTcpInfo(socket)\` gives one object on both systems, from TCP_INFO (tcp(7)) on Linux and
TCP_CONNECTION_INFO (tcp(4)) on macOS. Durations are milliseconds with fraction; null is what this
kernel does not tell.`;

export function optionsPage(rows: readonly OptionRow[], info: readonly TcpInfoRow[]): string {
  const parts = [INTRODUCTION];
  for (const [key, { title }] of Object.entries(LEVELS)) {
    const ofLevel = rows.filter((row) => row.level === key);
    if (ofLevel.length > 0) parts.push(`## ${title}`, grid(ofLevel));
  }
  parts.push(INFO_INTRODUCTION, infoGrid(info));
  return `${parts.join("\n\n")}\n`;
}

const KIND_NAMES: Readonly<Record<OptionKind, string>> = {
  boolean: "boolean",
  integer: "number",
  unsigned: "number, not negative",
  linger: "linger",
  text: "text",
  interfaceAddress: "IPv4 address; set: or index",
  credentials: "credentials",
  structure: "object, see below",
};

function grid(rows: readonly OptionRow[]): string {
  return [
    "| Name | Value | Unit | Access | Where | What |",
    "|---|---|---|---|---|---|",
    ...rows.map((row) => {
      const also = row.counterpart === "" ? "" : ` See also ${row.counterpart}.`;
      const cells = [
        row.name,
        KIND_NAMES[row.kind],
        row.unit,
        row.access,
        places(row),
        `${row.help}${also}`,
      ];
      return `| ${cells.map(cell).join(" | ")} |`;
    }),
  ].join("\n");
}

function infoGrid(rows: readonly TcpInfoRow[]): string {
  return [
    "| Field | Type | Where | What |",
    "|---|---|---|---|",
    ...rows.map((row) => {
      const cells = [row.name, INFO_TYPES[row.type], systemNames(row.systems), row.help];
      return `| ${cells.map(cell).join(" | ")} |`;
    }),
  ].join("\n");
}

function cell(words: string): string {
  return words.replaceAll("|", "\\|");
}

const ROOT = new URL("../", import.meta.url);

/** The files that are generated, by path. */
export function generated(): Map<string, string> {
  const read = (path: string): string => readFileSync(new URL(path, ROOT), "utf8");
  const options = optionRows(read("native/socket/options.def"), {
    linux: read("native/platform/linux_options.h"),
    darwin: read("native/platform/darwin_options.h"),
  });
  const info = tcpInfoRows(read("native/socket/tcp_info.def"));
  return new Map([
    ["lib/socket/option-table.ts", optionTable(options)],
    ["lib/socket/tcp-info-table.ts", tcpInfoTable(info)],
    ["docs/options.md", optionsPage(options, info)],
  ]);
}

function main(): void {
  for (const [path, text] of generated()) {
    const file = new URL(path, ROOT);
    if (existsSync(file) && readFileSync(file, "utf8") === text) continue;
    if (process.argv.includes("--check")) {
      console.error(`${path} is stale: run node --import tsx scripts/generate-options.ts`);
      process.exitCode = 1;
    } else {
      writeFileSync(file, text);
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
