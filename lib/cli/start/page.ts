// The files of the page over HTTP, with what keeps it from running or fetching anything else.
// Not here: the page (page/), which has no build step, and what it shows (service.ts).

import { readFile } from "node:fs/promises";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { join } from "node:path";
import { packageRoot } from "../../binding/loader.ts";

/** Where the files are in a clone, whether this runs as a source or bundled. */
const FOLDER = join(packageRoot(import.meta.dirname), "lib", "cli", "start", "page");

const HTML = "text/html; charset=utf-8";
const SCRIPT = "text/javascript; charset=utf-8";

/** All that is served: the path, the file, its type. */
const FILES: readonly (readonly [path: string, file: string, type: string])[] = [
  ["/", "index.html", HTML],
  ["/style.css", "style.css", "text/css; charset=utf-8"],
  ["/icon.svg", "icon.svg", "image/svg+xml"],
  ["/main.js", "main.js", SCRIPT],
  ["/echo.js", "echo.js", SCRIPT],
  ["/heartbeat.js", "heartbeat.js", SCRIPT],
  ["/cards.js", "cards.js", SCRIPT],
  ["/plot.js", "plot.js", SCRIPT],
  ["/format.js", "format.js", SCRIPT],
];

/** Nothing inline, nothing from elsewhere, nothing that a string is turned into. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join("; ");

const HEADERS = {
  "Content-Security-Policy": CONTENT_SECURITY_POLICY,
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cache-Control": "no-cache",
};

interface Served {
  readonly type: string;
  readonly body: Buffer;
}

/** Reads the files, and answers requests for them. */
export async function pageHandler(): Promise<RequestListener> {
  const served = new Map<string, Served>();
  for (const [path, file, type] of FILES) {
    served.set(path, { type, body: await readFile(join(FOLDER, file)) });
  }
  return (request, response) => answer(request, response, served);
}

function answer(
  { method = "GET", url = "/" }: IncomingMessage,
  response: ServerResponse,
  served: ReadonlyMap<string, Served>,
): void {
  const [path = "/"] = url.split("?");
  const file = served.get(path);
  const isRead = method === "GET" || method === "HEAD";
  if (!isRead) refuse(response, 405, "Method Not Allowed\n", { Allow: "GET, HEAD" });
  else if (file === undefined) refuse(response, 404, "Not Found\n", {});
  else {
    const { type, body } = file;
    response.writeHead(200, { ...HEADERS, "Content-Type": type, "Content-Length": body.length });
    response.end(method === "HEAD" ? undefined : body);
  }
}

function refuse(
  response: ServerResponse,
  status: number,
  text: string,
  more: Record<string, string>,
): void {
  const type = "text/plain; charset=utf-8";
  response.writeHead(status, { ...HEADERS, ...more, "Content-Type": type });
  response.end(text);
}
