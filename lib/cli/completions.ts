// `hawser completions bash|zsh|fish`: what a shell needs to complete the command.

import { OPTIONS } from "../socket/option-table.ts";
import { CONNECTION_FLAGS, UsageError } from "./flags.ts";
import { TLS_FLAGS } from "./tls-flags.ts";

export const COMPLETIONS_HELP = `hawser completions bash|zsh|fish

Prints a script for a shell. For bash: source <(hawser completions bash)`;

const COMMANDS = ["connect", "listen", "probe", "watch", "paths", "options", "completions", "help"];
const FLAGS = [
  ...Object.keys(CONNECTION_FLAGS),
  ...Object.keys(TLS_FLAGS),
  "tls",
  "json",
  "verbose",
  "echo",
  "exec",
  "keep-open",
  "broadcast",
  "multicast-interface",
  "ttl",
  "interval",
  "count",
  "watch",
  "debounce",
  "help",
].map((flag) => `--${flag}`);

export async function runCompletions([shell]: string[]): Promise<void> {
  switch (shell) {
    case "bash":
      console.log(bash());
      return;
    case "zsh":
      console.log(`autoload -U +X bashcompinit && bashcompinit\n${bash()}`);
      return;
    case "fish":
      console.log(fish());
      return;
    default:
      throw new UsageError("completions takes bash, zsh or fish");
  }
}

function bash(): string {
  const names = Object.keys(OPTIONS).map((name) => `${name}=`);
  return `_hawser() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]}
  if [ "$COMP_CWORD" = 1 ]; then
    COMPREPLY=($(compgen -W "${COMMANDS.join(" ")}" -- "$word"))
  elif [ "$before" = --option ]; then
    COMPREPLY=($(compgen -W "${names.join(" ")}" -- "$word"))
  else
    COMPREPLY=($(compgen -W "${FLAGS.join(" ")}" -- "$word"))
  fi
}
complete -o nospace -F _hawser hawser`;
}

function fish(): string {
  const commands = `complete -c hawser -f -n __fish_use_subcommand -a "${COMMANDS.join(" ")}"`;
  const flags = FLAGS.map((flag) => `complete -c hawser -l ${flag.slice(2)}`);
  return [commands, ...flags].join("\n");
}
