// `hawser completions bash|zsh|fish`: what a shell needs to complete the command. Which flags a
// command has is asked of the command; what takes one of a few words stands here.

import { OPTIONS } from "../socket/option-table.ts";
import { CONNECT_FLAGS } from "./connect.ts";
import { UsageError } from "./flags.ts";
import { LISTEN_FLAGS } from "./listen.ts";
import { OPTIONS_FLAGS } from "./options.ts";
import { PATHS_FLAGS } from "./paths.ts";
import { PROBE_FLAGS } from "./probe.ts";
import { UDP_FLAGS } from "./udp.ts";
import { WATCH_FLAGS } from "./watch.ts";

export const COMPLETIONS_HELP = `hawser completions bash|zsh|fish

Prints a script for a shell.

  bash   source <(hawser completions bash)   in ~/.bashrc
  zsh    source <(hawser completions zsh)    in ~/.zshrc
  fish   hawser completions fish | source    in ~/.config/fish/config.fish`;

type Flags = Readonly<Record<string, { readonly type: "string" | "boolean" }>>;

const SHELLS = ["bash", "zsh", "fish"];

/** The flags of each command; those of udp: URLs are among them, since the scheme comes later. */
export const COMMANDS: Readonly<Record<string, Flags>> = {
  connect: { ...CONNECT_FLAGS, ...UDP_FLAGS },
  listen: { ...LISTEN_FLAGS, ...UDP_FLAGS },
  probe: PROBE_FLAGS,
  watch: WATCH_FLAGS,
  paths: PATHS_FLAGS,
  options: OPTIONS_FLAGS,
  completions: {},
  help: {},
};

/** What stands behind a command, or a flag, where that is one of a few words. */
const WORDS: Readonly<Record<string, () => readonly string[]>> = {
  completions: () => SHELLS,
  help: () => [...Object.keys(COMMANDS).filter((name) => name !== "help"), "udp"],
  options: () => Object.keys(OPTIONS),
  "--family": () => ["4", "6"],
  "--option": () => Object.keys(OPTIONS).map((name) => `${name}=`),
};
const FILES = ["--ca", "--cert", "--key"];

export async function runCompletions([shell]: string[]): Promise<void> {
  switch (shell) {
    case "bash":
      console.log(bash());
      return;
    case "zsh":
      console.log(`autoload -Uz compinit bashcompinit
(( $+functions[compdef] )) || compinit
bashcompinit
${bash()}`);
      return;
    case "fish":
      console.log(fish());
      return;
    default:
      throw new UsageError("completions takes bash, zsh or fish");
  }
}

const flagsOf = (command: string) =>
  [...Object.keys(COMMANDS[command] ?? {}), "help"].map((flag) => `--${flag}`);

function bash(): string {
  const words = Object.entries(WORDS).map(([name, list]) => {
    const isFlag = name.startsWith("--");
    // The value is still to come.
    const open = name === "--option" ? "compopt -o nospace 2> /dev/null; " : "";
    const what = [...list(), ...(isFlag ? [] : flagsOf(name))].join(" ");
    return [isFlag, `    ${name}) ${open}words="${what}" ;;`] as const;
  });
  const linesOf = (flag: boolean) => words.filter(([is]) => is === flag).map(([, line]) => line);
  const commands = Object.keys(COMMANDS).filter((name) => WORDS[name] === undefined);
  return `_hawser() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" words=
  if [ "$COMP_CWORD" = 1 ]; then
    COMPREPLY=($(compgen -W "${Object.keys(COMMANDS).join(" ")} --help --version" -- "$word"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${commands.map((name) => `    ${name}) words="${flagsOf(name).join(" ")}" ;;`).join("\n")}
${linesOf(false).join("\n")}
  esac
  case "$before" in
    ${FILES.join("|")}) COMPREPLY=($(compgen -f -- "$word")); return ;;
${linesOf(true).join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -F _hawser hawser`;
}

function fish(): string {
  const commands = Object.keys(COMMANDS);
  const lines = [
    "complete -c hawser -f",
    `complete -c hawser -n __fish_use_subcommand -a "${commands.join(" ")}"`,
  ];
  for (const command of commands) {
    const given = `complete -c hawser -n "__fish_seen_subcommand_from ${command}"`;
    const words = WORDS[command]?.();
    if (words !== undefined) lines.push(`${given} -a "${words.join(" ")}"`);
    for (const [flag, { type }] of Object.entries(COMMANDS[command] ?? {})) {
      lines.push(`${given} -l ${flag}${type === "string" ? completionOf(`--${flag}`) : ""}`);
    }
    lines.push(`${given} -l help`);
  }
  return lines.join("\n");
}

/** How fish completes the value of a flag. */
function completionOf(flag: string): string {
  if (FILES.includes(flag)) return " -r -F";
  const words = WORDS[flag]?.();
  return words === undefined ? " -x" : ` -x -a "${words.join(" ")}"`;
}
