// Odd arguments of the `ws` package's classes: every case runs with that package as well, so that
// what is expected is what it does.

import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import * as theirs from "ws";
import * as ours from "../../lib/ws.ts";
import { checkUrl, payloadOf, withoutSecrets } from "../../lib/websocket/ws-arguments.ts";
import { afterTest } from "./support.ts";

type Socket = InstanceType<typeof theirs.WebSocket>;
type Package = Pick<typeof theirs, "WebSocket" | "WebSocketServer">;

const packages: [name: string, implementation: Package][] = [
  ["ws", theirs],
  ["hawser/ws", ours as unknown as Package],
];

async function serve(
  { WebSocketServer }: Package,
  options: theirs.ServerOptions = {},
): Promise<{ readonly url: string; readonly server: theirs.WebSocketServer }> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", ...options });
  afterTest(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  await once(server, "listening");
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

/** Both ends; what the server's is told is noted. */
async function pair(implementation: Package): Promise<{
  readonly client: Socket;
  readonly told: unknown[];
  readonly closed: Promise<unknown>;
}> {
  const { url, server } = await serve(implementation);
  const told: unknown[] = [];
  const closed = once(server, "connection").then(([socket]) => {
    socket.on("message", (data: Buffer, isBinary: boolean) => told.push([`${data}`, isBinary]));
    socket.on("ping", (data: Buffer) => told.push(`ping ${data}`));
    return once(socket, "close").then(([code, reason]) => told.push([code, `${reason}`]));
  });
  const client = new implementation.WebSocket(url);
  afterTest(() => client.terminate());
  await once(client, "open");
  return { client, told, closed };
}

describe.each(packages)("%s", (_, implementation) => {
  const { WebSocket } = implementation;

  test("a Blob is sent in its place among others, and close() waits for it", async () => {
    const { client, told, closed } = await pair(implementation);
    const sent = new Promise((resolve) => client.send(new Blob(["one"]), resolve));
    client.send("two");
    client.ping(new Blob(["three"]));
    client.send(new Blob(["four"]));
    client.close(4_000, Buffer.from("five"));
    expect(client.readyState).toBe(WebSocket.CLOSING);
    expect((await sent) ?? null).toBeNull();
    await closed;
    expect(told).toEqual([
      ["one", true],
      ["two", false],
      "ping three",
      ["four", true],
      [4_000, "five"],
    ]);
  });

  test("numbers are text, nothing and lists of numbers binary, the rest a TypeError", async () => {
    const { client, told, closed } = await pair(implementation);
    for (const data of [5, null, undefined, [104, 105], new Uint8Array([106])]) {
      client.send(data as never);
    }
    for (const data of [true, {}, 10n, Symbol("x")]) {
      expect(() => client.send(data as never)).toThrow(TypeError);
      expect(() => client.ping(data as never)).toThrow(TypeError);
    }
    expect(() => client.ping("x".repeat(126))).toThrow(/must not be greater than 125 bytes/);
    client.close();
    await closed;
    expect(told).toEqual([
      ["5", false],
      ["", true],
      ["", true],
      ["hi", true],
      ["j", true],
      [1005, ""],
    ]);
  });

  test("codes that are none are TypeErrors, and a reason without a code is not sent", async () => {
    const { client, told, closed } = await pair(implementation);
    for (const code of [999, 1004, 1005, 1006, 1015, 2999, 5000, Number.NaN, "1000", null, {}]) {
      const wrong = /First argument must be a valid error code number/;
      expect(() => client.close(code as never), String(code)).toThrow(wrong);
    }
    expect(() => client.close(1000, "x".repeat(124))).toThrow(/must not be greater than 123 bytes/);
    expect(client.readyState).toBe(WebSocket.OPEN);
    client.close(undefined, "why");
    await closed;
    expect(told).toEqual([[1005, ""]]);
  });

  test.each([[["a", "a"]], [["a b"]], [[""]], [[5]], [["a,b"]]])(
    "subprotocols that are none are a SyntaxError: %j",
    (protocols) => {
      const make = () => new WebSocket("ws://127.0.0.1:1", protocols as never);
      expect(make).toThrow(SyntaxError);
      expect(make).toThrow(/invalid or duplicated subprotocol/);
    },
  );

  test("an empty fragment is none", async () => {
    const { url } = await serve(implementation);
    const client = new WebSocket(`${url}/#`);
    afterTest(() => client.terminate());
    await once(client, "open");
  });

  test("the fields of a request can be passed on, numbers too", async () => {
    const { url, server } = await serve(implementation);
    const arrived = once(server, "connection");
    const headers = {
      host: "passed.example",
      connection: "keep-alive",
      upgrade: "something",
      "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
      "sec-websocket-version": "8",
      "sec-websocket-extensions": "x-unknown",
      "x-number": 5,
      "x-list": ["a", "b"],
    };
    const client = new WebSocket(url, { headers } as unknown as theirs.ClientOptions);
    afterTest(() => client.terminate());
    await once(client, "open");
    const [, request] = (await arrived) as [unknown, http.IncomingMessage];
    expect(request.headers).toMatchObject({
      host: "passed.example",
      "x-number": "5",
      "x-list": "a, b",
      "sec-websocket-version": "13",
    });
  });

  test.each([
    ["terminate()", (client: Socket) => client.terminate()],
    ["close()", (client: Socket) => client.close()],
  ])(
    "who looks at a refusal himself and then gives up by %s is told the end",
    async (_how, end) => {
      const { url } = await serve(implementation, { verifyClient: () => false });
      const client = new WebSocket(url);
      const told: unknown[] = [];
      client.on("error", (error) => told.push(error.message));
      const closed = new Promise<void>((resolve) => {
        client.on("close", (code) => {
          told.push(code);
          resolve();
        });
      });
      client.on("unexpected-response", (_request, response) => {
        told.push(response.statusCode);
        end(client);
      });
      await closed;
      const why = "WebSocket was closed before the connection was established";
      expect(told).toEqual([401, why, 1006]);
      expect(client.readyState).toBe(WebSocket.CLOSED);
    },
  );

  test.each(["another host", "the same host"])(
    "authorization and cookies go along to the same host only: a redirect to %s",
    async (where) => {
      const { WebSocketServer } = implementation;
      const server = new WebSocketServer({ noServer: true });
      const asked: http.IncomingMessage[] = [];
      const serveAt = async (answer: (path: string) => string | null) => {
        const web = http.createServer().listen(0, "127.0.0.1");
        await once(web, "listening");
        afterTest(() => {
          web.closeAllConnections();
          web.close();
        });
        web.on("upgrade", (request, socket, head) => {
          const location = answer(request.url ?? "");
          if (location !== null) {
            socket.end(`HTTP/1.1 302 Found\r\nLocation: ${location}\r\n\r\n`);
            return;
          }
          asked.push(request);
          server.handleUpgrade(request, socket, head, (one) => afterTest(() => one.terminate()));
        });
        return `127.0.0.1:${(web.address() as AddressInfo).port}`;
      };
      const other = await serveAt(() => null);
      const first: string = await serveAt((path) => {
        if (path === "/there") return null;
        return where === "another host" ? `ws://${other}/there` : "/there";
      });
      const headers = { Cookie: "who=me", Authorization: "Basic eA==", "X-Other": "kept" };
      const client = new WebSocket(`ws://${first}/here`, { followRedirects: true, headers });
      afterTest(() => client.terminate());
      await once(client, "open");
      const [request] = asked;
      const isKept = where === "the same host";
      expect([request?.headers.cookie, request?.headers.authorization]).toEqual(
        isKept ? ["who=me", "Basic eA=="] : [undefined, undefined],
      );
      expect(request?.headers).toMatchObject({
        "x-other": "kept",
        host: isKept ? first : other,
      });
    },
  );

  test("an upgrade that is handed in twice is an error that says so", async () => {
    const { WebSocketServer } = implementation;
    const server = new WebSocketServer({ noServer: true });
    const web = http.createServer().listen(0, "127.0.0.1");
    await once(web, "listening");
    afterTest(() => {
      web.closeAllConnections();
      web.close();
    });
    const seen = new Promise<unknown>((resolve) => {
      web.on("upgrade", (request, socket, head) => {
        server.handleUpgrade(request, socket, head, (one) => afterTest(() => one.terminate()));
        try {
          server.handleUpgrade(request, socket, head, () => resolve("taken twice"));
        } catch (error) {
          resolve(error);
        }
      });
    });
    const client = new WebSocket(`ws://127.0.0.1:${(web.address() as AddressInfo).port}`);
    client.on("error", () => {});
    afterTest(() => client.terminate());
    expect(await seen).toMatchObject({ message: expect.stringMatching(/called more than once/) });
  });
});

test("what is sent of bytes is a view of them", () => {
  const bytes = new Uint16Array([1, 2, 3]).subarray(1);
  const payload = payloadOf(bytes) as Buffer;
  expect([payload.buffer, payload.byteOffset, payload.length]).toEqual([bytes.buffer, 2, 4]);
  expect(payloadOf([Buffer.from("a"), Buffer.from("b")])).toEqual(Buffer.from("ab"));
});

test("secrets stay with their host, in whatever case", () => {
  const headers = { Authorization: "a", cookie: "b", HOST: "c", "X-Other": "d" };
  expect(withoutSecrets(headers)).toEqual({ "X-Other": "d" });
  expect(checkUrl("https://a.example/x").href).toBe("wss://a.example/x");
});
