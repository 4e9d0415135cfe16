// That docs/api.md says what the sources say, and that its declarations are sound TypeScript which
// gives a program the types it expects. Not here: that the package exports them.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, test } from "vitest";
import { declarationsOf, fill } from "../../scripts/generate-api.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const page = readFileSync(join(ROOT, "docs/api.md"), "utf8");

const blocks = [...page.matchAll(/^```ts\n(?<code>.*?)^```$/gms)].map((m) => m.groups?.code ?? "");

// What the sources import, and the long tables that docs/options.md shows in another form.
const PRELUDE = `
import type { LookupFunction, Server as NodeServer, Socket as NodeSocket } from "node:net";
import type { Socket as NodeDatagramSocket } from "node:dgram";
import type { ClientRequest, IncomingMessage, ServerResponse } from "node:http";
import type { OPTIONS, OptionInputs, OptionValues } from "../../lib/socket/option-table.ts";
`;

/** What the compiler says of a program that uses the page's declarations as a module. */
function check(program: string): string[] {
  const files = new Map([
    [join(ROOT, "test/docs/surface.d.ts"), PRELUDE + blocks.join("\n")],
    [join(ROOT, "test/docs/program.ts"), program],
  ]);
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    lib: ["lib.es2023.d.ts", "lib.esnext.disposable.d.ts"],
    types: ["node"],
    strict: true,
    exactOptionalPropertyTypes: true,
    allowImportingTsExtensions: true,
    noEmit: true,
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists, readFile } = host;
  host.fileExists = (name) => files.has(name) || fileExists.call(host, name);
  host.readFile = (name) => files.get(name) ?? readFile.call(host, name);
  host.getSourceFile = (name, version, ...rest) => {
    const text = files.get(name);
    if (text !== undefined) return ts.createSourceFile(name, text, version);
    return getSourceFile.call(host, name, version, ...rest);
  };
  const compiled = ts.createProgram([...files.keys()], options, host);
  return ts
    .getPreEmitDiagnostics(compiled)
    .map((one) => `${position(one)}: ${ts.flattenDiagnosticMessageText(one.messageText, " ")}`);
}

function position(one: ts.Diagnostic): string {
  if (one.file === undefined) return "";
  const { line } = one.file.getLineAndCharacterOfPosition(one.start ?? 0);
  const text = one.file.text.split("\n")[line] ?? "";
  return `${one.file.fileName.slice(ROOT.length)}:${line + 1} ${text.trim()}`;
}

describe("docs/api.md", () => {
  test("its declarations are those of the sources", () => {
    expect(fill(page, (path) => readFileSync(join(ROOT, path), "utf8"))).toBe(page);
  });

  test("it has every exported type of lib/net/types.ts", () => {
    const source = readFileSync(join(ROOT, "lib/net/types.ts"), "utf8");
    const missing = declarationsOf(source, "types.ts").filter((one) => !page.includes(one.text));
    expect(missing.map((one) => one.name)).toEqual([]);
  });

  test("its declarations compile, and type what programs do", { timeout: 60_000 }, () => {
    expect(check(PROGRAM)).toEqual([]);
  });
});

// Every `@ts-expect-error` is a diagnostic of its own where no error follows.
const PROGRAM = `
import { connect, DatagramSocket, getOption, listen, reactor, tune } from "./surface.js";
import type { Connection, Listener, UdpFlow, UdpListener, WebSocketConnection, WebSocketListener }
  from "./surface.js";
import { Socket } from "node:net";

type Which<A> = <X>() => X extends A ? 1 : 2;
type Same<A, B> = Which<A> extends Which<B> ? true : never;
function same<A, B>(_: Same<A, B>): void {}

const host: string = "db.internal";
const port: number = 5432;
const text: string = host;
const maybe: AbortSignal | undefined = undefined;
interface Session { user: string }

const tcp = await connect("tcp://db.internal:5432", {
  connectTimeout: 5_000, keepAlive: { idle: 60_000, interval: 10_000, count: 3 },
  dropTimeout: 20_000, signal: maybe, socketOptions: { TCP_NOTSENT_LOWAT: 16384 },
});
same<typeof tcp, Connection<unknown>>(true);
for await (const chunk of tcp) same<typeof chunk, Buffer>(true);
await tcp.send("text");
const { error, initiator } = await tcp.close();
error?.bytes?.acknowledged satisfies number | undefined;
initiator satisfies "local" | "peer" | "network";

const templated = await connect(\`tcp://\${host}:\${port}\`);
same<typeof templated, Connection<unknown>>(true);
const object = await connect<Session>({ host, port });
same<typeof object, Connection<Session>>(true);
const local = await connect({ path: "/run/app.sock" });
same<typeof local, Connection<unknown>>(true);
const secure = await connect("tls://example.org:443", { tls: { alpnProtocols: ["h2"] } });
same<typeof secure, Connection<unknown>>(true);
const web = await connect("wss://example.org/", { protocols: ["chat"] });
same<typeof web, WebSocketConnection<unknown>>(true);
const flow = await connect("udp://10.0.0.1:9000");
same<typeof flow, UdpFlow<unknown>>(true);
const any = await connect(text);
same<typeof any, Connection<unknown> | WebSocketConnection<unknown> | UdpFlow<unknown>>(true);
const url = await connect(new URL("tcp://127.0.0.1:1"));
same<typeof url, Connection<unknown> | WebSocketConnection<unknown> | UdpFlow<unknown>>(true);

// @ts-expect-error a scheme that does not exist
await connect("http://example.org/");
// @ts-expect-error an unknown option
await connect("tcp://127.0.0.1:1", { keepAliv: false });
// @ts-expect-error seconds have no string form here
await connect("tcp://127.0.0.1:1", { connectTimeout: "5s" });
// @ts-expect-error a listener's option
await connect("tcp://127.0.0.1:1", { backlog: 10 });

const echo = await listen("tcp://[::]:7070", {
  lend: true,
  data(connection, bytes) {
    same<typeof connection, Connection<unknown>>(true);
    same<typeof bytes, Buffer>(true);
    connection.write(bytes);
  },
});
same<typeof echo, Listener<unknown>>(true);
const sessions = await listen<Session>("unix:/run/app.sock", {
  open(connection) { connection.data = { user: "a" }; },
  data: (connection, bytes) => connection.write(bytes),
  async end(connection) { await connection.send(connection.data.user); },
});
same<typeof sessions, Listener<Session>>(true);
for (const connection of sessions.connections) connection.data.user satisfies string;
await listen("tcp://127.0.0.1:0", async (connection) => {
  for await (const chunk of connection) await connection.send(chunk);
});
await listen("tcp://127.0.0.1:0", { noDelay: false }, (connection) => connection.close());
const sockets = await listen("ws://127.0.0.1:8080", {
  message(socket, message) { socket.write(message); },
  upgrade: (request) => (request.path === "/" ? undefined : { status: 404 }),
});
same<typeof sockets, WebSocketListener<unknown>>(true);
await listen("ws://127.0.0.1:8081", async (socket) => {
  for await (const message of socket) await socket.send(message);
});
const flows = await listen("udp://[::]:9000", { data(flow, bytes) { flow.write(bytes); } });
same<typeof flows, UdpListener<unknown>>(true);
const passed = await listen({ fd: 3 }, { data(connection, bytes) { connection.write(bytes); } });
same<typeof passed, Listener<unknown>>(true);
const passedOn = await listen({ fd: 3, transport: "wss" }, { tls: { key: "", cert: "" } });
same<typeof passedOn, WebSocketListener<unknown>>(true);
// @ts-expect-error a listening descriptor is not for connecting
await connect({ fd: 3 });

const socket = tune(new Socket(), { keepAlive: { idle: 60_000 } });
same<typeof socket, Socket>(true);
await using datagrams = new DatagramSocket({ family: "IPv4" });
const datagram = await datagrams.receive();
datagram?.truncated satisfies boolean | undefined;
datagrams.setOption("SO_BROADCAST", true);
getOption(tcp, "TCP_INFO").roundTripTimeMs satisfies number | null;
// @ts-expect-error an option that does not exist
tcp.getOption("TCP_NODELAI");
// @ts-expect-error an option that can only be read
tcp.setOption("SO_ERROR", 0);
reactor.counters().dispatches satisfies number;
`;
