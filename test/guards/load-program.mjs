// A fresh process that imports one thing and says what that cost. Argument: hawser or node:net.
// Node's own modules that were loaded by it, and the CPU time of the whole process in microseconds.

import process from "node:process";

// What both would load anyhow, as the stream behind standard output, is there before.
process.stdout.write("");
const before = new Set(process.moduleLoadList);
await import(process.argv[2]);
const modules = process.moduleLoadList.filter((name) => !before.has(name));
const { userCPUTime, systemCPUTime } = process.resourceUsage();
process.stdout.write(
  JSON.stringify({
    modules: modules
      .filter((name) => name.startsWith("NativeModule "))
      .map((name) => name.slice(13)),
    cpu: userCPUTime + systemCPUTime,
  }),
);
