// Python's websockets on the other side, in both roles, with and without compression.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type { WebSocketConnection } from "../../lib/index.ts";
import { foreignEnvironment } from "../support/environment.ts";
import { called, open, serve } from "../websocket/support.ts";
import { closeOurselves, exchange, letPeerClose, PeerProgram } from "./websocket-peer.ts";

const PROGRAM = fileURLToPath(new URL("python_websockets.py", import.meta.url));
// Debian's, whose packages another one in PATH does not know.
const PYTHON = "/usr/bin/python3";
const hasIt =
  spawnSync(PYTHON, ["-c", "import websockets"], { env: foreignEnvironment() }).status === 0;
const skipped = hasIt ? "" : " (skipped: no python3-websockets)";

const modes = [
  { name: "plain", isCompressed: false },
  { name: "deflate", isCompressed: true },
];

describe.skipIf(!hasIt)(`Python's websockets${skipped}`, () => {
  test.each(modes)(
    "a server of its echoes to our client, $name",
    async ({ name, isCompressed }) => {
      const program = new PeerProgram(PYTHON, [PROGRAM, "serve", name]);
      const url = `ws://127.0.0.1:${await program.line("port")}` as const;
      const perMessageDeflate = isCompressed ? { threshold: 0 } : true;
      const socket = await open(url, { perMessageDeflate });
      await exchange(socket, isCompressed);
      await closeOurselves(socket);
      expect(await program.line("closed")).toMatch(/^4001 by us/);
      await letPeerClose(await open(url, { perMessageDeflate }));
      expect(await program.line("closed")).toMatch(/^4002/);
    },
  );

  test.each(modes)(
    "a client of its echoes to our server, $name",
    async ({ name, isCompressed }) => {
      for (const end of [closeOurselves, letPeerClose]) {
        const opened = called<[WebSocketConnection]>();
        const perMessageDeflate = isCompressed ? { threshold: 0 } : true;
        const { url } = await serve({ open: opened.fn as never, perMessageDeflate });
        const program = new PeerProgram(PYTHON, [PROGRAM, "connect", name, url]);
        const [socket] = await opened.args;
        await exchange(socket, isCompressed);
        await end(socket);
        await program.line("closed 400");
      }
    },
  );
});
