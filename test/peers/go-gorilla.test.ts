// Go's gorilla/websocket on the other side, in both roles, with and without compression.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import type { WebSocketConnection } from "../../lib/index.ts";
import { onPath } from "../adapters/servers.ts";
import { foreignEnvironment } from "../support/environment.ts";
import { called, open, serve } from "../websocket/support.ts";
import { closeOurselves, exchange, letPeerClose, PeerProgram } from "./websocket-peer.ts";

const SOURCE = fileURLToPath(new URL("gorilla/main.go", import.meta.url));
const FOLDER = fileURLToPath(new URL("../../build/peers/", import.meta.url));
const PROGRAM = `${FOLDER}gorilla`;
// Where Debian's packages put sources of Go.
const GOPATH = "/usr/share/gocode";
const hasIt =
  onPath("go") !== undefined && existsSync(`${GOPATH}/src/github.com/gorilla/websocket`);
const skipped = hasIt ? "" : " (skipped: no golang-github-gorilla-websocket-dev)";
const BUILD_MS = 180_000;

const modes = [
  { name: "plain", isCompressed: false },
  { name: "deflate", isCompressed: true },
];

describe.skipIf(!hasIt)(`Go's gorilla/websocket${skipped}`, () => {
  beforeAll(() => {
    mkdirSync(FOLDER, { recursive: true });
    // Go builds only what has changed; a package of Debian's is no module.
    const env = { ...foreignEnvironment(), GOPATH, GO111MODULE: "off", GOCACHE: `${FOLDER}go` };
    const built = spawnSync("go", ["build", "-o", PROGRAM, SOURCE], { env, encoding: "utf8" });
    expect(`${built.stderr}${built.status}`).toBe("0");
  }, BUILD_MS);

  test.each(modes)(
    "a server of its echoes to our client, $name",
    async ({ name, isCompressed }) => {
      const program = new PeerProgram(PROGRAM, ["serve", name]);
      const url = `ws://127.0.0.1:${await program.line("port")}` as const;
      const perMessageDeflate = isCompressed ? { threshold: 0 } : true;
      const socket = await open(url, { perMessageDeflate });
      await exchange(socket, isCompressed);
      await closeOurselves(socket);
      expect(await program.line("closed")).toBe("4001 by us");
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
        const program = new PeerProgram(PROGRAM, ["connect", name, url]);
        const [socket] = await opened.args;
        await exchange(socket, isCompressed);
        await end(socket);
        await program.line("closed 400");
      }
    },
  );
});
