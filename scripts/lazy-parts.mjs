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

/** Loaded by the command when they are asked for, and so entry points as well. */
const COMMANDS = /^lib\/cli\/[^/]+\.ts$/;

const STAND_IN = "stand-in";
const PART = "part";

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
  Object.keys(PARTS).map((name) => [name, `part:${name}`]),
);

// Which exports of which modules the entry modules use. Their imports are plain: names in braces.
function usedExports(root) {
  const used = new Map();
  for (const entry of ENTRIES) {
    const source = readFileSync(join(root, entry), "utf8");
    const statements = source.matchAll(/^(?:import|export) \{([^}]*)\} from "(\.[^"]+)";/gm);
    for (const [, names, path] of statements) {
      const file = relative(root, join(root, dirname(entry), path));
      const list = used.get(file) ?? [];
      for (const name of names.split(",").map((text) => text.trim())) {
        if (name === "" || name.startsWith("type ")) continue;
        const [exported] = name.split(" as ");
        if (!list.includes(exported)) list.push(exported);
      }
      used.set(file, list);
    }
  }
  return used;
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

function partContents(part, used, partOf) {
  const lines = [...used]
    .filter(([file]) => partOf(file) === part)
    .map(([file, names]) => `export { ${names.join(", ")} } from "./${file}";`);
  return `import "./lib/index.ts";\n${lines.join("\n")}\n`;
}
