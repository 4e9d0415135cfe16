// A program in a namespace that takes commands as lines of JSON on its input and answers each with
// one on its output. Whatever else it says in between is an event. Not here: namespaces.

import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { foreignEnvironment } from "../../support/environment.ts";

/** What a program says: `id` is that of the command it answers. */
export interface Line {
  readonly id?: number;
  readonly error?: string;
  readonly [key: string]: unknown;
}

interface Waiting {
  readonly matches: (line: Line) => boolean;
  readonly resolve: (line: Line) => void;
  readonly reject: (error: Error) => void;
}

/** Milliseconds of the clock that all processes of this machine share (CLOCK_MONOTONIC). */
export function sharedNow(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}

/** How many times slower a build may be that is slow by design (vitest.config.ts). */
export const slowness = Number(process.env.HAWSER_TEST_SLOWNESS ?? 1);

/** How many connections talk beside each one that is under test (README.md). */
export const crowdSize = Number(process.env.HAWSER_TEST_CROWD ?? 0);

export class Program {
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #events: Line[] = [];
  #waiting: Waiting[] = [];
  #ended: Error | undefined;
  #stderr = "";
  #nextId = 1;

  constructor(command: string, args: readonly string[]) {
    this.#name = [command, ...args].join(" ");
    this.#child = spawn(command, args, {
      stdio: ["pipe", "pipe", "pipe"],
      env: foreignEnvironment(),
    });
    const { stdout, stderr, stdin } = this.#child;
    if (stdout === null || stderr === null || stdin === null) throw new Error("no pipes");
    createInterface({ input: stdout }).on("line", (text) => this.#hear(text));
    stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
    });
    // A program that has ended takes no more commands; its end says so itself.
    stdin.on("error", () => {});
    this.#child.on("close", (code, signal) => this.#end(`${code ?? signal}`));
    this.#child.on("error", (error) => this.#end(error.message));
  }

  /** Sends a command and waits for its answer. @throws what the program answered as `error`. */
  async ask(op: string, fields: Readonly<Record<string, unknown>> = {}): Promise<Line> {
    const id = this.#nextId++;
    this.#child.stdin?.write(`${JSON.stringify({ id, op, ...fields })}\n`);
    const answer = await this.#wait((line) => line.id === id);
    if (answer.error !== undefined) throw new Error(`${op}: ${answer.error}`);
    return answer;
  }

  /** The first event that matches, already there or to come. It is taken out. */
  event(matches: (line: Line) => boolean): Promise<Line> {
    const at = this.#events.findIndex(matches);
    if (at >= 0) return Promise.resolve(this.#events.splice(at, 1)[0] as Line);
    return this.#wait((line) => line.id === undefined && matches(line));
  }

  /** The events so far that nobody has taken. */
  get events(): readonly Line[] {
    return this.#events;
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  get hasEnded(): boolean {
    return this.#ended !== undefined;
  }

  kill(signal: NodeJS.Signals = "SIGKILL"): void {
    this.#child.kill(signal);
  }

  /** Ends the program and waits until it is gone. */
  async stop(): Promise<void> {
    if (this.#ended !== undefined) return;
    const gone = new Promise((resolve) => this.#child.once("close", resolve));
    this.kill();
    await gone;
  }

  #wait(matches: (line: Line) => boolean): Promise<Line> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ matches, resolve, reject });
    });
  }

  #hear(text: string): void {
    let line: Line;
    try {
      line = JSON.parse(text) as Line;
    } catch {
      this.#stderr += `${text}\n`;
      return;
    }
    const at = this.#waiting.findIndex(({ matches }) => matches(line));
    if (at >= 0) this.#waiting.splice(at, 1)[0]?.resolve(line);
    else if (line.id === undefined) this.#events.push(line);
  }

  #end(how: string): void {
    if (this.#ended !== undefined) return;
    this.#ended = new Error(`${this.#name} ended (${how})\n${this.#stderr}`);
    for (const { reject } of this.#waiting) reject(this.#ended);
    this.#waiting = [];
  }
}
