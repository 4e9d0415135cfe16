// An npm registry of one process, on loopback: what is published to it can be installed from it.
// It keeps what npm sends as it is, so that a test sees what npm itself adds when publishing.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What npm sends to publish, and reads to install; the fields that are looked at here. */
export interface Packument {
  readonly name: string;
  readonly versions: Record<string, { scripts?: Record<string, string>; gypfile?: boolean }>;
  readonly _attachments?: Record<string, { data: string }>;
}

export interface Registry {
  /** Its address, with a slash at the end. */
  readonly url: string;
  readonly published: ReadonlyMap<string, Packument>;
  close(): Promise<void>;
}

export async function startRegistry(): Promise<Registry> {
  const published = new Map<string, Packument>();
  const tarballs = new Map<string, Buffer>();
  const server = createServer((request, response) => {
    answer(request, response).catch((error: Error) => {
      response.writeHead(500).end(error.message);
    });
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = decodeURIComponent(new URL(request.url ?? "/", "http://registry").pathname);
    if (request.method === "PUT") {
      const { _attachments = {}, ...packument } = (await bodyOf(request)) as Packument;
      published.set(packument.name, packument);
      for (const [name, { data }] of Object.entries(_attachments)) {
        tarballs.set(`/${packument.name}/-/${name}`, Buffer.from(data, "base64"));
      }
      json(response, 201, { ok: true });
      return;
    }
    const tarball = tarballs.get(path);
    if (tarball) {
      response.writeHead(200, { "content-type": "application/octet-stream" }).end(tarball);
      return;
    }
    const packument = published.get(path.slice(1));
    json(response, packument ? 200 : 404, packument ?? { error: "not found" });
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    published,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString());
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
