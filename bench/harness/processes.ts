// Processes of the benchmark: subjects and generators, pinned to a core where the system can, with
// the line protocol between them and the runner. None outlives the runner: the end of standard
// input ends a subject, and what is left is killed when the runner exits.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { ROOT } from "./paths.ts";

const START_TIMEOUT_MS = 20_000;
const ANSWER_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 2_000;
const STDERR_KEPT = 4_096;

/** A subject that this machine or this build does not have; the message says why. */
export class UnavailableError extends Error {
  override readonly name = "UnavailableError";
}

const alive = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of alive) child.kill("SIGKILL");
});

const TASKSET = ["/usr/bin/taskset", "/bin/taskset"].find((path) => existsSync(path)) ?? null;

/** Whether a process can be kept on one core here. */
export const canPin = process.platform === "linux" && TASKSET !== null;

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

function launch(command: Command, core: number | null): ChildProcess {
  const pinned = canPin && core !== null;
  const file = pinned ? (TASKSET as string) : command.file;
  const args = pinned ? ["-c", String(core), command.file, ...command.args] : [...command.args];
  const child = spawn(file, args, {
    cwd: ROOT,
    env: { ...process.env, ...command.env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  alive.add(child);
  child.once("close", () => alive.delete(child));
  child.once("error", () => alive.delete(child));
  child.stdin?.on("error", () => {}); // EPIPE of a child that has ended: its exit tells
  return child;
}

/** A line as JSON; null for one that is none. */
export function parseLine(line: string): Record<string, unknown> | null {
  if (!line.startsWith("{")) return null;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return null;
  }
}

/** The first line of an error's output that says something: the error itself, not its place. */
export function tellingLine(stderr: string): string {
  const lines = stderr.split("\n").map((line) => line.trim());
  const named = lines.find((line) => /^(\w*Error\b|error:)/i.test(line));
  return named ?? lines.find((line) => line !== "") ?? "it said nothing";
}

/** A process that speaks JSON lines. */
export class LineProcess {
  readonly child: ChildProcess;
  readonly #waiting: ((line: Record<string, unknown> | null) => void)[] = [];
  readonly #lines: Record<string, unknown>[] = [];
  #stderr = "";
  #ended = false;

  constructor(command: Command, core: number | null) {
    this.child = launch(command, core);
    this.child.stderr?.on("data", (chunk: Buffer) => {
      if (this.#stderr.length < STDERR_KEPT) this.#stderr += chunk.toString();
    });
    const lines = createInterface({ input: this.child.stdout as NodeJS.ReadableStream });
    lines.on("line", (text) => {
      const line = parseLine(text);
      if (line === null) return;
      const waiter = this.#waiting.shift();
      if (waiter === undefined) this.#lines.push(line);
      else waiter(line);
    });
    this.child.once("error", (error) => {
      this.#stderr += error.message;
      this.#end();
    });
    this.child.once("close", () => this.#end());
  }

  get stderr(): string {
    return this.#stderr;
  }

  #end(): void {
    this.#ended = true;
    for (const waiter of this.#waiting.splice(0)) waiter(null);
  }

  /** The next line, or null when the process has ended. @throws Error after the time-out. */
  next(timeoutMs: number): Promise<Record<string, unknown> | null> {
    const line = this.#lines.shift();
    if (line !== undefined) return Promise.resolve(line);
    if (this.#ended) return Promise.resolve(null);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const index = this.#waiting.indexOf(waiter);
        if (index !== -1) this.#waiting.splice(index, 1);
        reject(new Error(`no answer within ${timeoutMs / 1_000} s`));
      }, timeoutMs);
      const waiter = (value: Record<string, unknown> | null) => {
        clearTimeout(timer);
        resolve(value);
      };
      this.#waiting.push(waiter);
    });
  }

  /** Sends a line and gives the answer. @throws Error where the process has ended. */
  async ask(line: string): Promise<Record<string, unknown>> {
    this.child.stdin?.write(`${line}\n`);
    const answer = await this.next(ANSWER_TIMEOUT_MS);
    if (answer === null)
      throw new Error(`ended instead of answering: ${tellingLine(this.#stderr)}`);
    if (typeof answer.error === "string") throw new Error(answer.error);
    return answer;
  }

  /** Ends the process: by the end of its input, then by force. */
  stop(): Promise<void> {
    if (this.#ended) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.child.kill("SIGKILL"), STOP_TIMEOUT_MS);
      this.child.once("close", () => {
        clearTimeout(timer);
        resolve();
      });
      this.child.stdin?.end();
    });
  }
}

/** A subject that has said its port. */
export interface RunningSubject {
  readonly process: LineProcess;
  readonly pid: number;
  readonly port: number;
  readonly version: string;
  /** Its first line whole. */
  readonly said: Readonly<Record<string, unknown>>;
}

/**
 * Starts a subject and waits for its port.
 * @throws UnavailableError where it says that it cannot run here, Error where it breaks.
 */
export async function startSubject(command: Command, core: number | null): Promise<RunningSubject> {
  const line = new LineProcess(command, core);
  try {
    const first = await line.next(START_TIMEOUT_MS);
    if (first === null) throw new Error(`did not start: ${tellingLine(line.stderr)}`);
    if (typeof first.unavailable === "string") throw new UnavailableError(first.unavailable);
    const port = first.port;
    if (typeof port !== "number") throw new Error("its first line has no port");
    return {
      process: line,
      pid: line.child.pid as number,
      port,
      version: `${String(first.runtime)} ${String(first.version)}`,
      said: first,
    };
  } catch (error) {
    await line.stop();
    throw error;
  }
}

/** User and system CPU time so far, in nanoseconds, as the subject itself counts it. */
export async function askCpuNs(subject: RunningSubject): Promise<number> {
  const usage = await subject.process.ask("usage");
  return (Number(usage.user) + Number(usage.system)) * 1_000;
}
