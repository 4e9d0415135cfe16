// curl on the other side of listeners of ws and wss: plain requests get 426, or go to the `http`
// handler, and an upgrade by hand gets a WebSocket.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { listen, type WebSocketListenOptions } from "../../lib/index.ts";
import { hasOpenssl, makeCertificates } from "../adapters/certificates.ts";
import { foreignEnvironment } from "../support/environment.ts";
import { afterTest } from "./support.ts";

const env = foreignEnvironment();
const hasCurl = spawnSync("curl", ["--version"], { env }).status === 0;
const canRun = hasCurl && hasOpenssl;
const skipped = canRun ? "" : " (skipped: no curl, or no openssl)";

const certificates = canRun ? makeCertificates() : null;
afterAll(() => certificates?.remove());
const { key = "", cert = "" } = certificates?.server ?? {};
const caFile = join(certificates?.folder ?? "", "trusted.pem");
if (certificates !== null) writeFileSync(caFile, certificates.ca);

/** What it printed, and with which code it ended. */
async function curl(...args: string[]): Promise<{ readonly text: string; readonly code: number }> {
  const child = spawn("curl", ["-sS", "--cacert", caFile, "--max-time", "10", ...args], { env });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (bytes) => {
      text += String(bytes);
    });
  }
  const [code] = await once(child, "close");
  return { text, code };
}

const schemes = [
  ["ws", "http"],
  ["wss", "https"],
] as const;

async function serve(scheme: "ws" | "wss", options: WebSocketListenOptions = {}) {
  const listener = await listen(`${scheme}://127.0.0.1:0`, {
    ...(scheme === "wss" ? { tls: { key, cert } } : {}),
    message: (socket, message) => void socket.write(message),
    ...options,
  });
  afterTest(() => listener.close({ timeout: 0 }));
  return listener;
}

describe.skipIf(!canRun)(`curl${skipped}`, () => {
  test.each(schemes)(
    "B46: %s without a handler answers %s with 426 and what to upgrade to",
    async (scheme, http) => {
      const { port } = await serve(scheme);
      const { text, code } = await curl("-i", `${http}://localhost:${port}/page`);
      expect(code).toBe(0);
      expect(text).toMatch(/^HTTP\/1\.1 426 Upgrade Required\r\n/);
      expect(text).toMatch(/\r\nUpgrade: websocket\r\n/i);
      expect(text).toMatch(/\r\nConnection: .*upgrade.*\r\n/i);
      const post = await curl("-i", "-X", "POST", `${http}://localhost:${port}/`);
      expect(post.text).toMatch(/^HTTP\/1\.1 426 /);
    },
  );

  test.each(schemes)(
    "%s with a handler serves %s, over one connection again",
    async (scheme, http) => {
      const { port } = await serve(scheme, {
        http: (request, response) => {
          response.setHeader("X-Method", request.method ?? "");
          request.pipe(response);
        },
      });
      const url = `${http}://localhost:${port}`;
      const body = "0123456789".repeat(30_000);
      const file = join(certificates?.folder ?? "", "body");
      writeFileSync(file, body);
      const sent = await curl("--data-binary", `@${file}`, `${url}/a`);
      expect([sent.code, sent.text === body]).toEqual([0, true]);
      const format = "%{http_code} %{num_connects},";
      const twice = await curl("-w", format, "-X", "PUT", "-d", "", `${url}/a`, `${url}/b`);
      expect(twice).toEqual({ text: "200 1,200 0,", code: 0 });
      const head = await curl("-I", `${url}/c`);
      expect(head.text).toMatch(/X-Method: HEAD/i);
    },
  );

  test.each(schemes)("%s upgrades what curl asks for over %s", async (scheme, http) => {
    const { port } = await serve(scheme, {
      http: (_, response) => void response.end("a page"),
      // curl does not answer the Close.
      closeTimeout: 200,
      open: (socket) => {
        socket.write("hello");
        void socket.close();
      },
    });
    const fields = [
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ].flatMap((field) => ["-H", field]);
    const { text } = await curl("-i", "--http1.1", ...fields, `${http}://localhost:${port}/`);
    expect(text).toContain("HTTP/1.1 101 ");
    expect(text).toContain("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    expect(text).toContain("\u0005hello");
  });

  test.each(schemes)(
    "%s with a handler leaves wrong upgrades over %s to nobody: 426 or 400",
    async (scheme, http) => {
      let served = 0;
      const { port } = await serve(scheme, {
        http: (_, response) => {
          served++;
          response.end();
        },
      });
      const status = async (...fields: string[]) => {
        const headers = fields.flatMap((field) => ["-H", field]);
        const args = ["-o", "/dev/null", "-w", "%{http_code}", ...headers];
        return (await curl(...args, `${http}://localhost:${port}/`)).text;
      };
      const old = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 8"];
      expect(await status(...old, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")).toBe("426");
      const keyless = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"];
      expect(await status(...keyless)).toBe("400");
      expect(served).toBe(0);
      expect(await status()).toBe("200");
      expect(served).toBe(1);
    },
  );
});
