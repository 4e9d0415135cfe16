// The environment of programs that are not Node: a sanitizer that is preloaded into the processes
// under test has no business there, and some of them hang or complain under it.

const OURS = [
  "LD_PRELOAD",
  "NODE_OPTIONS",
  "ASAN_OPTIONS",
  "LSAN_OPTIONS",
  "UBSAN_OPTIONS",
  "TSAN_OPTIONS",
];

/** A copy of this process's environment without what is meant for Node. */
export function foreignEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !OURS.includes(name)));
}

/** What the foreign environment lacks, as arguments of env(1): for a Node behind such a program. */
export function nodeArguments(): string[] {
  return OURS.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [`${name}=${value}`];
  });
}
