// Child processes for the project's own scripts. Nothing of the package uses this.
import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the clone. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

export interface Outcome {
  /** The exit code; 127 where the command does not exist, 128 where a signal ended it. */
  readonly code: number;
  /** Standard output and standard error, in the order in which they came. */
  readonly output: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Shows the output at once as well as collecting it. */
  readonly show?: boolean;
}

/** Runs a command to its end. Never rejects: a command that cannot start is an outcome too. */
export function run(
  command: string,
  args: readonly string[],
  { cwd = root, env = process.env, show = false }: RunOptions = {},
): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    const chunks: Buffer[] = [];
    const collect = (chunk: Buffer) => {
      chunks.push(chunk);
      if (show) process.stderr.write(chunk);
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    child.on("error", (error) => resolve({ code: 127, output: `${command}: ${error.message}\n` }));
    child.on("close", (code) => {
      resolve({ code: code ?? 128, output: Buffer.concat(chunks).toString() });
    });
  });
}

/** The path of a command that a dev dependency brings. */
export function tool(name: string): string {
  return join(root, "node_modules", ".bin", name);
}

/** Runs a TypeScript program of this project, also on a Node that does not strip types itself. */
export function runScript(path: string, args: readonly string[] = [], options?: RunOptions) {
  return run(process.execPath, ["--import", "tsx", path, ...args], options);
}
