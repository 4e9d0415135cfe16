// HAWSER_DEBUG=lend, in a process of its own, since it is read when the package is loaded.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const INDEX = new URL("../../lib/index.ts", import.meta.url).href;

// Keeps what was lent to it, sends it back, and looks at both afterwards.
const PROGRAM = `
  import net from "node:net";
  import { listen } from ${JSON.stringify(INDEX)};
  const kept = [];
  const listener = await listen("tcp://127.0.0.1:0", {
    lend: true,
    data(connection, bytes) {
      kept.push(bytes);
      connection.write(bytes);
    },
  });
  const size = Number(process.env.SIZE);
  const socket = net.connect(listener.port, "127.0.0.1", () => socket.end("x".repeat(size)));
  let back = "";
  for await (const chunk of socket) back += chunk;
  const overwritten = kept.every((bytes) => bytes.every((byte) => byte === 0xdb));
  console.log(JSON.stringify({ overwritten, intact: back === "x".repeat(size) }));
  await listener.close();
`;

async function run(size: number, debug: string): Promise<unknown> {
  const args = ["--import", "tsx", "--input-type=module", "--eval", PROGRAM];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
    env: { ...process.env, HAWSER_DEBUG: debug, SIZE: String(size) },
  });
  return JSON.parse(stdout);
}

it.each([20, 5_000])(
  "HAWSER_DEBUG=lend overwrites lent memory, and sends back %i bytes intact",
  async (size) => {
    expect(await run(size, "lend")).toEqual({ overwritten: true, intact: true });
  },
);

it("without it lent memory is left alone until it is used again", async () => {
  expect(await run(20, "")).toEqual({ overwritten: false, intact: true });
});
