// How the programs of bench/subjects and bench/c are started: by this Node, Bun, Deno or directly.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { compile } from "./compile.ts";
import { PACKAGE_ENTRY, SUBJECTS } from "./paths.ts";
import { bunBinary, denoBinary, ensurePeer, type PeerName, peerFolder, uwsEntry } from "./peers.ts";
import { UnavailableError } from "./processes.ts";
import type { Subject } from "./suite.ts";

/** Subjects under Node may be asked to collect garbage before they report their memory. */
const NODE_FLAGS = ["--expose-gc"];

/** A reference program in C. */
export function cSubject(program: string, args: readonly string[] = [], id = "c"): Subject {
  return {
    id,
    label: id === "c" ? "C" : `C ${id.replace(/^c-/, "")}`,
    peer: null,
    command: async () => ({ file: await compile(program), args }),
  };
}

/** hawser as it is published: through dist/ and its public interface. */
export function hawserSubject(
  id: string,
  label: string,
  script: string,
  args: readonly string[],
): Subject {
  return {
    id,
    label,
    peer: null,
    command: async () => {
      if (!existsSync(PACKAGE_ENTRY)) {
        throw new UnavailableError("dist/ is not built: npm run build");
      }
      return { file: process.execPath, args: [...NODE_FLAGS, join(SUBJECTS, script), ...args] };
    },
  };
}

/** Something that Node itself has. */
export function nodeSubject(
  id: string,
  label: string,
  script: string,
  args: readonly string[] = [],
): Subject {
  return {
    id,
    label,
    peer: "node",
    command: async () => ({
      file: process.execPath,
      args: [...NODE_FLAGS, join(SUBJECTS, script), ...args],
    }),
  };
}

/** A package from npm under Node; the script finds it through BENCH_PEER. */
export function packageSubject(
  peer: PeerName,
  id: string,
  label: string,
  script: string,
  args: readonly string[] = [],
): Subject {
  return {
    id,
    label,
    peer,
    command: async () => {
      await ensurePeer(peer);
      return {
        file: process.execPath,
        args: [...NODE_FLAGS, join(SUBJECTS, script), ...args],
        env: { BENCH_PEER: peerFolder(peer) },
      };
    },
  };
}

export function uwsSubject(script: string, args: readonly string[] = []): Subject {
  return {
    id: "uws",
    label: "uWebSockets.js",
    peer: "uws",
    command: async (context) => ({
      file: process.execPath,
      args: [...NODE_FLAGS, join(SUBJECTS, script), ...args],
      env: { BENCH_PEER: uwsEntry(context.options.uws) },
    }),
  };
}

export function bunSubject(script: string, args: readonly string[] = []): Subject {
  return {
    id: "bun",
    label: "Bun",
    peer: "bun",
    command: async () => ({ file: await bunBinary(), args: [join(SUBJECTS, script), ...args] }),
  };
}

export function denoSubject(script: string, args: readonly string[] = []): Subject {
  return {
    id: "deno",
    label: "Deno",
    peer: "deno",
    command: async () => ({
      file: await denoBinary(),
      args: ["run", "--allow-all", "--no-config", "--quiet", join(SUBJECTS, script), ...args],
      env: { DENO_NO_UPDATE_CHECK: "1" },
    }),
  };
}
