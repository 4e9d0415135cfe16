// Reads the native tables of socket options and of TCP_INFO: the X-macro rows of options.def and
// tcp_info.def, and which constants a system's header has. Not here: what is made of them
// (generate-options.ts).

export type OptionKind =
  | "boolean"
  | "integer"
  | "unsigned"
  | "linger"
  | "text"
  | "interfaceAddress"
  | "credentials"
  | "structure";

export type OptionAccess = "read-only" | "write-only" | "read-write";

export type OptionLevel = "socket" | "local" | "tcp" | "udp" | "ip" | "ipv6";

export type OptionSystem = "linux" | "darwin";

export interface OptionRow {
  readonly name: string;
  readonly level: OptionLevel;
  readonly kind: OptionKind;
  /** Whole words; `""` where a number has none. */
  readonly unit: string;
  readonly access: OptionAccess;
  /** The name of the same idea on the other system, or `""`. */
  readonly counterpart: string;
  readonly help: string;
  readonly systems: readonly OptionSystem[];
}

export type TcpInfoType = "number" | "boolean" | "state" | "congestion";

export interface TcpInfoRow {
  readonly name: string;
  readonly type: TcpInfoType;
  readonly help: string;
  readonly systems: readonly OptionSystem[];
}

const KINDS: Readonly<Record<string, OptionKind>> = {
  kBoolean: "boolean",
  kInteger: "integer",
  kUnsigned: "unsigned",
  kLinger: "linger",
  kText: "text",
  kInterfaceAddress: "interfaceAddress",
  kCredentials: "credentials",
  kStructure: "structure",
};

const UNITS: Readonly<Record<string, string>> = {
  kNone: "",
  kSeconds: "seconds",
  kMilliseconds: "milliseconds",
  kMicroseconds: "microseconds",
  kBytes: "bytes",
  kHops: "hops",
  kIndex: "index",
};

const ACCESS: Readonly<Record<string, OptionAccess>> = {
  kReadOnly: "read-only",
  kWriteOnly: "write-only",
  kReadWrite: "read-write",
};

const LEVELS: Readonly<Record<string, OptionLevel>> = {
  kSocket: "socket",
  kLocal: "local",
  kTcp: "tcp",
  kUdp: "udp",
  kIp: "ip",
  kIpv6: "ipv6",
};

const TYPES: Readonly<Record<string, TcpInfoType>> = {
  kNumber: "number",
  kBoolean: "boolean",
  kState: "state",
  kCongestion: "congestion",
};

/** The rows of options.def, with the systems whose headers have their constants. */
export function optionRows(
  def: string,
  headers: Readonly<Record<OptionSystem, string>>,
): OptionRow[] {
  const constants = { linux: constantsOf(headers.linux), darwin: constantsOf(headers.darwin) };
  const rows = macroRows(def, "HAWSER_OPTION", 8).map(
    ([name = "", level = "", constant = "", kind = "", unit = "", access = "", other, help]) => ({
      name,
      level: known(LEVELS, level, name),
      kind: known(KINDS, kind, name),
      unit: known(UNITS, unit, name),
      access: known(ACCESS, access, name),
      counterpart: text(other),
      help: text(help),
      systems: (["linux", "darwin"] as const).filter((system) => {
        const value = constants[system].get(constant);
        if (value === undefined) throw new Error(`${system}'s header has no ${constant} (${name})`);
        return (
          value !== "kAbsent" && constants[system].get(`kLevel${level.slice(1)}`) !== "kAbsent"
        );
      }),
    }),
  );
  checkRows(rows);
  return rows;
}

/** The rows of tcp_info.def. */
export function tcpInfoRows(def: string): TcpInfoRow[] {
  const rows = macroRows(def, "HAWSER_TCP_INFO", 5).map(
    ([name = "", type = "", linux, darwin, help]) => ({
      name,
      type: known(TYPES, type, name),
      help: text(help),
      systems: (["linux", "darwin"] as const).filter(
        (system) => (system === "linux" ? linux : darwin) !== "Absent()",
      ),
    }),
  );
  unique(rows.map((row) => row.name));
  return rows;
}

function checkRows(rows: readonly OptionRow[]): void {
  unique(rows.map((row) => row.name));
  for (const { name, counterpart, systems, help } of rows) {
    if (systems.length === 0) throw new Error(`No system has ${name}`);
    if (help === "") throw new Error(`${name} has no help`);
    if (counterpart !== "" && !rows.some((row) => row.name === counterpart)) {
      throw new Error(`${name}'s counterpart ${counterpart} has no row`);
    }
  }
}

function unique(names: readonly string[]): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`${twice} has two rows`);
}

function known<T>(words: Readonly<Record<string, T>>, word: string, name: string): T {
  const value = words[word];
  if (value === undefined) throw new Error(`${name}: ${word} is not known`);
  return value;
}

function constantsOf(header: string): Map<string, string> {
  const found = header.matchAll(/^inline constexpr int (k\w+) = (\w+);/gm);
  return new Map([...found].map(([, name = "", value = ""]) => [name, value]));
}

/** The arguments of each use of a macro that stands at the start of a line. */
function macroRows(source: string, macro: string, columns: number): string[][] {
  const rows: string[][] = [];
  const start = new RegExp(`^${macro}\\(`, "gm");
  for (let match = start.exec(source); match !== null; match = start.exec(source)) {
    const row = macroArguments(source, start.lastIndex);
    if (row.length !== columns)
      throw new Error(`A row of ${row.length} columns: ${row.join(", ")}`);
    rows.push(row);
  }
  return rows;
}

// Commas part arguments outside parentheses and strings only.
function macroArguments(source: string, from: number): string[] {
  const row: string[] = [];
  let depth = 0;
  let begin = from;
  for (let i = from; i < source.length; i++) {
    const character = source[i];
    if (character === '"') i = endOfString(source, i);
    else if (character === "(") depth++;
    else if (character === ")" && depth > 0) depth--;
    else if (character === ")" || (character === "," && depth === 0)) {
      row.push(source.slice(begin, i).trim());
      begin = i + 1;
      if (character === ")") return row;
    }
  }
  throw new Error(`The row at ${from} does not end`);
}

function endOfString(source: string, from: number): number {
  let i = from + 1;
  while (source[i] !== '"') {
    if (i >= source.length) throw new Error(`The string at ${from} does not end`);
    i += source[i] === "\\" ? 2 : 1;
  }
  return i;
}

/** String literals that stand side by side, as one. */
function text(literals: string | undefined): string {
  const parts = (literals ?? "").matchAll(/"(?:[^"\\]|\\.)*"/g);
  return [...parts].map(([part]) => JSON.parse(part) as string).join("");
}
