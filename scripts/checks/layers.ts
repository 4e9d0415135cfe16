// Who may know whom. The rules stand here as data; docs/architecture.md says why.
// Works on texts, so that a test can hand it a file that breaks a rule.
import { posix } from "node:path";
import ts from "typescript";
import { projectFiles, readAll } from "../files.ts";
import type { Finding } from "./finding.ts";

/** The layers of lib/, left to right; a layer knows those to its right. */
const libraryOrder = [
  ["cli"],
  ["index"],
  ["websocket", "tls", "adapters"],
  ["net"],
  ["socket"],
  ["binding"],
];
/** Known to all and knowing nobody; core may raise the library's errors. */
const common: Record<string, readonly string[]> = { core: ["errors"], errors: [] };

/** The layers of native/, left to right. */
const nativeOrder = ["binding", "reactor", "socket", "platform"];

/** Folders that get bytes and time handed in, and what of Node they may import nevertheless. */
const pure = [
  { folder: "lib/core/", modules: ["node:buffer", "node:util"] },
  {
    folder: "lib/websocket/protocol/",
    modules: ["node:buffer", "node:crypto", "node:string_decoder", "node:util", "node:zlib"],
  },
];
/** What asks for time or runs later: not for pure folders. */
const impure = new Set([
  "setTimeout",
  "setInterval",
  "setImmediate",
  "queueMicrotask",
  "nextTick",
  "performance",
  "Date",
]);

interface NativeRule {
  readonly what: RegExp;
  readonly where: RegExp;
  readonly message: string;
}
const nativeRules: readonly NativeRule[] = [
  {
    what: /#\s*include\s*[<"](?:napi\.h|napi-inl\.h|(?:js_native|node)_api[\w]*\.h)[>"]/,
    where: /^native\/binding\//,
    message: "only native/binding/ knows Node-API",
  },
  {
    what: /#\s*include\s*<sys\/(?:epoll|eventfd|timerfd)\.h>/,
    where: /^native\/reactor\/poller_epoll\.cc$/,
    message: "only poller_epoll.cc knows epoll(7)",
  },
  {
    what: /#\s*include\s*<sys\/event\.h>/,
    where: /^native\/reactor\/poller_kqueue\.cc$/,
    message: "only poller_kqueue.cc knows kqueue(2)",
  },
  {
    what: /\b(?:__linux__|__linux|__APPLE__|__MACH__|__FreeBSD__|_WIN32|TARGET_OS_\w+)\b/,
    where: /^native\/platform\/platform\.h$/,
    message: "only platform.h asks which system this is",
  },
  {
    // The loop itself is passed on by name: Node-API hands it out as a type of libuv's.
    what: /\buv_(?!loop_[st]\b)\w+/,
    where: /^native\/binding\/(?:loop_bridge|libuv)\.(?:h|cc)$/,
    message: "only loop_bridge knows libuv",
  },
];

/** Every break of the rules in the project. */
export function checkLayers(): Finding[] {
  const library = readAll(projectFiles(["lib"], [".ts"]));
  const native = readAll(projectFiles(["native"], [".h", ".cc", ".def"]));
  return [...libraryBreaks(library), ...nativeBreaks(native)];
}

/** Breaks in TypeScript sources, given by path. */
export function libraryBreaks(files: ReadonlyMap<string, string>): Finding[] {
  return [...files].flatMap(([path, text]) => [
    ...importBreaks(path, text),
    ...timeUses(path, text),
  ]);
}

function importBreaks(path: string, text: string): Finding[] {
  const findings: Finding[] = [];
  const imports = ts.preProcessFile(text, true, true).importedFiles.map((file) => file.fileName);
  const zone = pure.find(({ folder }) => path.startsWith(folder));
  for (const name of imports) {
    if (name.startsWith("node:")) {
      if (zone && !zone.modules.includes(name)) {
        findings.push({ path, message: `${zone.folder} is pure: no ${name}` });
      }
    } else if (!name.startsWith(".")) {
      findings.push({ path, message: `"${name}": the package has no dependencies` });
    } else {
      const target = posix.join(posix.dirname(path), name);
      const message = layerBreak(path, target);
      if (message !== undefined) findings.push({ path, message });
    }
  }
  return findings;
}

function layerBreak(path: string, target: string): string | undefined {
  if (!target.startsWith("lib/")) return `imports ${target}, outside lib/`;
  const inProtocol = (file: string) => file.startsWith("lib/websocket/protocol/");
  const from = layerOf(path);
  const to = layerOf(target);
  if (inProtocol(path) && !inProtocol(target) && !(to in common)) {
    return `the protocol knows no I/O, and imports ${target}`;
  }
  if (from === to) return undefined;
  const commonKnows = common[from];
  if (commonKnows) return commonKnows.includes(to) ? undefined : `${from} must not know ${to}`;
  if (to in common) return undefined;
  const rank = (layer: string) => libraryOrder.findIndex((layers) => layers.includes(layer));
  if (rank(from) < 0) return `lib/${from}/ has no place in the order of layers`;
  if (rank(to) < 0) return `lib/${to}/ has no place in the order of layers`;
  return rank(from) < rank(to) ? undefined : `${from} must not know ${to} (${target})`;
}

/** The folder below lib/; the files beside the folders are entry points, and count as index. */
function layerOf(path: string): string {
  const parts = path.split("/");
  return parts.length > 2 ? (parts[1] ?? "") : "index";
}

function timeUses(path: string, text: string): Finding[] {
  if (!pure.some(({ folder }) => path.startsWith(folder))) return [];
  const findings: Finding[] = [];
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true);
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && impure.has(node.text) && isValue(node)) {
      const line = source.getLineAndCharacterOfPosition(node.getStart()).line + 1;
      findings.push({ path, line, message: `time is handed in here: no ${node.text}` });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return findings;
}

/** Whether an identifier is used as a value, and is not a type or the name of a member. */
function isValue(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isTypeReferenceNode(parent)) return false;
  if (ts.isPropertyAccessExpression(parent)) {
    return parent.expression === node || node.text === "nextTick";
  }
  return !(ts.isPropertyAssignment(parent) && parent.name === node);
}

/** Breaks in C++ sources, given by path. */
export function nativeBreaks(files: ReadonlyMap<string, string>): Finding[] {
  const findings: Finding[] = [];
  for (const [path, text] of files) {
    withoutComments(text)
      .split("\n")
      .forEach((content, index) => {
        const line = index + 1;
        for (const rule of nativeRules) {
          if (rule.what.test(content) && !rule.where.test(path)) {
            findings.push({ path, line, message: rule.message });
          }
        }
        const included = /#\s*include\s*"([^"]+)"/.exec(content)?.[1];
        const message = included && includeBreak(path, included);
        if (message) findings.push({ path, line, message });
      });
  }
  return findings;
}

function includeBreak(path: string, included: string): string | undefined {
  const from = path.split("/")[1] ?? "";
  const to = included.split("/")[0] ?? "";
  const [left, right] = [nativeOrder.indexOf(from), nativeOrder.indexOf(to)];
  if (left < 0) return `native/${from}/ has no place in the order of layers`;
  if (right < 0) return `"${included}" must be named from native/: platform/, socket/, ...`;
  return left <= right ? undefined : `${from} must not know ${to} ("${included}")`;
}

/** The text with comments blanked, lines kept. String literals stay, and no rule looks at them. */
function withoutComments(text: string): string {
  const blank = (comment: string) => comment.replace(/[^\n]/g, " ");
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, blank);
}
