// What the tests of the built command share: running it, and what it says.

import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { afterEach } from "vitest";
import { foreignEnvironment, nodeArguments } from "../support/environment.ts";

/** The built command. */
export const MAIN = new URL("../../dist/cli.js", import.meta.url).pathname;

export const cleanUps: (() => unknown)[] = [];

/** Ends what a test has started. Called once by a file. */
export function cleanUpAfterEach(): void {
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0)) await cleanUp();
  });
}

/** A process, and what it has said so far. */
export class Run {
  readonly child: ChildProcessWithoutNullStreams;
  out = "";
  err = "";

  constructor(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
    this.child = spawn(command, args, { env });
    cleanUps.push(() => this.child.kill("SIGKILL"));
    this.child.stdout.on("data", (text) => {
      this.out += text;
    });
    this.child.stderr.on("data", (text) => {
      this.err += text;
    });
  }

  async ended(): Promise<number | null> {
    const [code] = await once(this.child, "close");
    return code;
  }

  /** Waits until one of its streams says something that matches; fails where it ends before. */
  async says(stream: "out" | "err", pattern: RegExp): Promise<RegExpExecArray> {
    const source = stream === "out" ? this.child.stdout : this.child.stderr;
    for (;;) {
      const match = pattern.exec(this[stream]);
      if (match !== null) return match;
      if (source.readableEnded) throw new Error(`ended, and said:\n${this.out}${this.err}`);
      await new Promise<void>((resolve) => {
        const more = () => {
          source.off("data", more).off("end", more);
          resolve();
        };
        source.on("data", more).on("end", more);
      });
    }
  }
}

export const hawser = (...args: string[]) => new Run(process.execPath, [MAIN, ...args]);

const foreign = foreignEnvironment();
export const hasScript = spawnSync("script", ["--version"], { env: foreign }).status === 0;
/** For the name of a test that needs a terminal. */
export const skippedWithoutScript = hasScript ? "" : " (skipped: needs script of util-linux)";

/** The command on a terminal of script(1): what it says on either stream is in `out`. */
export function inTerminal(args: readonly string[], env: NodeJS.ProcessEnv = {}): Run {
  const node = ["env", ...nodeArguments(), process.execPath, MAIN, ...args];
  const command = `stty cols 90 -echo; ${node.map((one) => `'${one}'`).join(" ")}`;
  // Whoever runs the tests may want no colours, or always; Node sees none in CI.
  const neutral = { ...foreign, NO_COLOR: undefined, FORCE_COLOR: undefined, CI: undefined };
  const terminal = { ...neutral, TERM: "xterm", ...env };
  return new Run("script", ["-qec", command, "/dev/null"], terminal);
}
