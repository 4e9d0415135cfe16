// What the guards share: programs in processes of their own, told what to do over the channel of
// fork(), in an environment that changes nothing about what is measured. No tests here.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { dirname, join } from "node:path";
import process from "node:process";

export const root = dirname(dirname(import.meta.dirname));

/** For tests that start processes and send tens of thousands of messages. */
export const timeLimitMs = 120_000 * Number(process.env["HAWSER_TEST_SLOWNESS"] ?? 1);

/**
 * What programs that are measured do not inherit: they run the addon as it is released, whatever
 * build the tests around them run.
 */
const NOT_INHERITED = [
  "LD_PRELOAD",
  "HAWSER_BINARY",
  "HAWSER_DEBUG",
  "NODE_OPTIONS",
  "NODE_DEBUG",
  "NODE_V8_COVERAGE",
];

export function cleanEnvironment(): NodeJS.ProcessEnv {
  const env = { ...process.env };
  for (const name of NOT_INHERITED) delete env[name];
  return env;
}

/** A program of this folder that answers each message with one message. */
export class Program implements AsyncDisposable {
  readonly #child: ChildProcess;

  constructor(file: string, args: readonly string[], flags: readonly string[] = []) {
    this.#child = fork(join(import.meta.dirname, file), [...args], {
      execArgv: [...flags],
      env: cleanEnvironment(),
    });
  }

  /** Sends one command and gives its answer. Rejects when the program ends instead. */
  async ask(command: unknown): Promise<Record<string, number>> {
    const ended = new AbortController();
    const answer = once(this.#child, "message", { signal: ended.signal });
    const exit = once(this.#child, "exit", { signal: ended.signal }).then(([code, signal]) => {
      throw new Error(`the program ended with ${code ?? signal}`);
    });
    this.#child.send(command as never);
    try {
      const [told] = (await Promise.race([answer, exit])) as [Record<string, number>];
      return told;
    } finally {
      ended.abort();
      // The loser of the race has been told to give up.
      await Promise.allSettled([answer, exit]);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await gone;
  }
}
