// What dist/index.js loads late, for the time that `import "hawser"` takes: an esbuild plugin that
// puts stand-ins (lib/core/lazy.ts) where the entry modules import these parts. The sources know
// nothing of it.
import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/** Who gets stand-ins: the modules that make up the public interface. */
const ENTRIES = ["lib/index.ts", "lib/net/entry.ts", "lib/tls/index.ts", "lib/websocket/entry.ts"];

/** Each part's output, and the modules that belong to it. */
const PARTS = {
  websocket: /^lib\/websocket\/(?!entry\.ts$)/,
  udp: /^lib\/net\/udp\//,
  sockets: /^lib\/socket\/(?:(?:datagram|listen|stream)-socket|tune)\.ts$/,
  tls: /^lib\/tls\/context\.ts$/,
  paths: /^lib\/net\/paths\/monitor\.ts$/,
};

/**
 * Entry points that share modules with the parts, and the output that holds each one's code. It is
 * loaded as a part is, whole and at once: what import() loads in steps cannot be required between
 * two of them, nor ever after (Node 22).
 */
const SURFACES = { "lib/ws.ts": "ws-surface" };

/** Loaded by the command when they are asked for, and so entry points as well. */
const COMMANDS = /^lib\/cli\/[^/]+\.ts$/;

const STAND_IN = "stand-in";
const PART = "part";
const SURFACE = "surface";

/**
 * @param {string} root
 * @param {Readonly<Record<string, string>>} entryPoints by the names of their outputs
 */
export function lazyParts(root, entryPoints) {
  const used = usedExports(root);
  const partOf = (file) => Object.keys(PARTS).find((name) => PARTS[name].test(file));
  return {
    name: "lazy-parts",
    setup(build) {
      build.onResolve({ filter: /^\./ }, ({ path, importer, namespace }) => {
        if (namespace !== "file" || !ENTRIES.includes(relative(root, importer))) return undefined;
        const file = relative(root, join(dirname(importer), path));
        return partOf(file) === undefined ? undefined : { path: file, namespace: STAND_IN };
      });
      build.onLoad({ filter: /.*/, namespace: STAND_IN }, ({ path }) => ({
        contents: standIns(partOf(path), used.get(path) ?? []),
        resolveDir: root,
      }));
      build.onResolve({ filter: /\.ts$/ }, ({ path, kind }) => {
        const file = relative(root, join(root, path));
        const isSurface = kind === "entry-point" && Object.hasOwn(SURFACES, file);
        return isSurface ? { path: file, namespace: SURFACE } : undefined;
      });
      build.onLoad({ filter: /.*/, namespace: SURFACE }, ({ path }) => ({
        contents: surfaceContents(root, path),
        resolveDir: root,
      }));
      build.onResolve({ filter: /^part:/ }, ({ path }) => ({ path, namespace: PART }));
      build.onLoad({ filter: /.*/, namespace: PART }, ({ path }) => ({
        contents: partContents(path.slice("part:".length), used, partOf),
        resolveDir: root,
      }));
      // Whatever else is an entry point reaches all that index reaches, so that this is one file.
      build.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const file = relative(root, path);
        const isEntry = Object.values(entryPoints).includes(file) || COMMANDS.test(file);
        if (!isEntry || file === entryPoints.index) return undefined;
        const index = JSON.stringify(join(root, entryPoints.index));
        return { contents: `${readFileSync(path, "utf8")}\nimport ${index};\n`, loader: "ts" };
      });
    },
  };
}

/** The entry points to give to esbuild for the parts. */
export const partEntryPoints = Object.fromEntries(
  [...Object.keys(PARTS), ...Object.values(SURFACES)].map((name) => [name, `part:${name}`]),
);

// Which exports of which modules the entry modules use.
function usedExports(root) {
  const used = new Map();
  for (const entry of ENTRIES) {
    for (const { path, names } of statementsOf(root, entry)) {
      const file = relative(root, join(root, dirname(entry), path));
      const list = used.get(file) ?? [];
      for (const name of names) {
        const [exported] = name.split(" as ");
        if (!list.includes(exported)) list.push(exported);
      }
      used.set(file, list);
    }
  }
  return used;
}

// What a module imports and exports from others, types left out. It is plain: names in braces.
function statementsOf(root, file) {
  const source = readFileSync(join(root, file), "utf8");
  const statements = source.matchAll(/^(?:import|export) \{([^}]*)\} from "(\.[^"]+)";/gm);
  return [...statements].map(([, list, path]) => {
    const names = list.split(",").map((text) => text.trim());
    return { path, names: names.filter((name) => name !== "" && !name.startsWith("type ")) };
  });
}

function standIns(part, names) {
  const lines = names.map((name) => `export const ${name} = lazyExport(() => load().${name});`);
  return `import { createRequire } from "node:module";
import { lazyExport } from "./lib/core/lazy.ts";
let part;
const load = () => (part ??= createRequire(import.meta.url)("./${part}.js"));
${lines.join("\n")}
`;
}

function surfaceContents(root, file) {
  const names = statementsOf(root, file).flatMap((statement) => statement.names);
  const locals = names.map((name, index) => `${JSON.stringify(unquoted(name))}: value${index}`);
  const exports = names.map((name, index) => `value${index} as ${name}`);
  return `import "./lib/index.ts";
import { createRequire } from "node:module";
const { surface } = createRequire(import.meta.url)("./${SURFACES[file]}.js");
const { ${locals.join(", ")} } = surface;
export { ${exports.join(", ")} };
`;
}

function unquoted(name) {
  return name.startsWith('"') ? JSON.parse(name) : name;
}

function partContents(part, used, partOf) {
  const whole = Object.keys(SURFACES).find((file) => SURFACES[file] === part);
  if (whole !== undefined) {
    // As one value: an export called "module.exports" would be all that require() gives.
    return `import "./lib/index.ts";\nexport * as surface from "./${whole}";\n`;
  }
  const lines = [...used]
    .filter(([file]) => partOf(file) === part)
    .map(([file, names]) => `export { ${names.join(", ")} } from "./${file}";`);
  return `import "./lib/index.ts";\n${lines.join("\n")}\n`;
}
