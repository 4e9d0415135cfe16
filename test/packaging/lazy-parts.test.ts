// What dist/ loads late: the classes and functions that stand for it are what they stand for, and
// an import alone loads none of it. In processes of their own, since modules are loaded once.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { build } from "../../scripts/build.mjs";
import { partEntryPoints } from "../../scripts/lazy-parts.mjs";

const root = join(import.meta.dirname, "..", "..");
const dist = (name: string) => pathToFileURL(join(root, "dist", name)).href;

await build(["native", "dist"]);

/** What a program prints as JSON. */
function run(program: string): unknown {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--input-type=module", "--eval", program],
    { encoding: "utf8" },
  );
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout);
}

const LOADED = `
const loaded = [];
import Module, { createRequire } from "node:module";
const load = Module._load;
Module._load = (request, ...rest) => (loaded.push(request), load(request, ...rest));
`;

test("an import loads none of the parts, and the use of one loads that one", () => {
  const names = Object.keys(partEntryPoints).map((name) => `./${name}.js`);
  const loaded = run(`${LOADED}
    const hawser = await import(${JSON.stringify(dist("index.js"))});
    const parts = () => loaded.filter((name) => ${JSON.stringify(names)}.includes(name));
    const before = parts();
    const listener = await hawser.listen("tcp://127.0.0.1:0", (c) => c.close());
    const connection = await hawser.connect("tcp://127.0.0.1:" + listener.port);
    await connection.closed;
    await listener.close();
    const tcp = parts();
    await Promise.all(hawser.StreamSocket.pair().map((socket) => socket.close()));
    console.log(JSON.stringify({ before, tcp, after: parts() }));
  `);
  expect(loaded).toEqual({ before: [], tcp: [], after: ["./sockets.js"] });
});

test("every export has its own name, and is one class with that of the part", () => {
  const wrong = run(`
    const hawser = await import(${JSON.stringify(dist("index.js"))});
    const wrong = [];
    for (const [name, value] of Object.entries(hawser)) {
      if (typeof value !== "function" || !/^[A-Z]/.test(name)) continue;
      if (value.name !== name) wrong.push(name + " is called " + value.name);
      if (value.prototype.constructor.prototype !== value.prototype) wrong.push(name);
    }
    const server = await hawser.listen("ws://127.0.0.1:0", (ws) => ws.closed);
    const client = await hawser.connect("ws://127.0.0.1:" + server.port);
    if (!(client instanceof hawser.WebSocketConnection)) wrong.push("WebSocketConnection");
    if (!(server instanceof hawser.WebSocketListener)) wrong.push("WebSocketListener");
    await client.close();
    await server.close();
    const udp = await hawser.listen("udp://127.0.0.1:0", () => {});
    if (!(udp instanceof hawser.UdpListener)) wrong.push("UdpListener");
    await udp.close();
    console.log(JSON.stringify(wrong));
  `);
  expect(wrong).toEqual([]);
});

test("wrong arguments are told as ever, and in the same way", () => {
  const told = run(`
    const { connect, WebSocket } = await import(${JSON.stringify(dist("index.js"))});
    const told = [];
    await connect("ws://x:1", { conectTimeout: 1 }).catch((error) => told.push(error.code));
    try { new WebSocket("no url"); } catch (error) { told.push(error.name); }
    try { WebSocket("ws://x"); } catch (error) { told.push(error.name); }
    console.log(JSON.stringify(told));
  `);
  expect(told).toEqual(["ERR_INVALID_ARG_VALUE", "SyntaxError", "TypeError"]);
});

test("required and imported it is one module, and so are its parts", () => {
  const same = run(`
    import { createRequire } from "node:module";
    const imported = await import(${JSON.stringify(dist("index.js"))});
    const ws = await import(${JSON.stringify(dist("ws.js"))});
    const required = createRequire(import.meta.url)(${JSON.stringify(join(root, "dist/index.js"))});
    console.log(JSON.stringify([
      required.Connection === imported.Connection,
      required.WebSocketConnection === imported.WebSocketConnection,
      typeof ws.WebSocketServer,
    ]));
  `);
  expect(same).toEqual([true, true, "function"]);
});

test("a part can be used at any moment of the import of hawser/ws, which shares its modules", () => {
  // Node 22 takes a few microtasks to link what an import() has found.
  const wrong = run(`
    import { Worker } from "node:worker_threads";
    const program = \`
      import { workerData } from "node:worker_threads";
      const { WebSocketConnection } = await import(${JSON.stringify(dist("index.js"))});
      const imported = import(${JSON.stringify(dist("ws.js"))});
      for (let count = 0; count < workerData; count++) await undefined;
      if (WebSocketConnection.name !== "WebSocketConnection") throw new Error("no name");
      await imported;
    \`;
    const url = new URL("data:text/javascript," + encodeURIComponent(program));
    const wrong = [];
    for (let count = 0; count < 12; count++) {
      await new Promise((resolve) => {
        const worker = new Worker(url, { workerData: count });
        worker.once("error", (error) => wrong.push(count + ": " + error.message));
        worker.once("exit", resolve);
      });
    }
    console.log(JSON.stringify(wrong));
  `);
  expect(wrong).toEqual([]);
});

test("what an import reads is one file and the entry point", () => {
  const index = readFileSync(join(root, "dist", "index.js"), "utf8");
  const chunks = [...index.matchAll(/from\s*"(\.\/[^"]+)"/g)].map(([, path]) => path);
  expect(chunks).toHaveLength(1);
  const text = readFileSync(join(root, "dist", chunks[0] as string), "utf8");
  expect([...text.matchAll(/from\s*"(\.\/[^"]+)"/g)]).toHaveLength(0);
  for (const file of readdirSync(join(root, "dist"))) expect(file).not.toMatch(/^part[:_]/);
});

test("no line is so long that an uncaught exception fills the screen with it", () => {
  for (const file of readdirSync(join(root, "dist"))) {
    if (!file.endsWith(".js")) continue;
    const lines = readFileSync(join(root, "dist", file), "utf8").split("\n");
    const longest = Math.max(...lines.map((line) => line.length));
    expect(longest, file).toBeLessThan(3_000);
  }
});
