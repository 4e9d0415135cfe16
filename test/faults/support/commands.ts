// The child's side of program.ts: commands come in as lines of JSON, each is answered with one, and
// what happens meanwhile is told in others. Not here: what the commands do.
import { createInterface } from "node:readline";

/** Every command has a number, which its answer repeats, and a name. */
export interface NamedCommand {
  readonly id: number;
  readonly op: string;
}

export function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** Says that the program has started, and runs the commands until its input ends. */
export function answerCommands<Command extends NamedCommand>(
  operations: Readonly<Record<string, (command: Command) => unknown>>,
): void {
  const commands = createInterface({ input: process.stdin });
  // Whoever has started this is gone.
  commands.on("close", () => process.exit());
  commands.on("line", async (text) => {
    const command = JSON.parse(text) as Command;
    try {
      const operation = operations[command.op];
      if (operation === undefined) throw new Error(`no operation ${command.op}`);
      say({ id: command.id, ...((await operation(command)) as object | undefined) });
    } catch (thrown) {
      say({ id: command.id, error: String(thrown) });
    }
  });
  say({ event: "started" });
}
