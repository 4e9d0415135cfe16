// Required (NODE_OPTIONS) by the processes of a test run with LeakSanitizer, which looks for leaks
// when a process exits. vitest ends the processes that run tests by SIGTERM and soon SIGKILL, and
// neither is an exit. Here the first lets the process end by itself, since only then does Node free
// all that V8 holds, and the second waits until that is over.
"use strict";
const { ChildProcess } = require("node:child_process");

const endTimeLimitMs = 5_000;
const checkTimeLimitMs = 60_000;
const runsTests = (spawnargs) => spawnargs?.some((arg) => /vitest\W.*\Wforks\.js$/.test(arg));

if (runsTests(process.argv)) {
  process.on("SIGTERM", () => {
    if (process.connected) process.disconnect();
    // What a test left open must not keep the process; its leaks are then told from V8's own by
    // their stacks.
    setTimeout(() => process.exit(), endTimeLimitMs).unref();
  });
}

const kill = ChildProcess.prototype.kill;
ChildProcess.prototype.kill = function (signal) {
  if (signal !== "SIGKILL" || !runsTests(this.spawnargs)) return kill.call(this, signal);
  setTimeout(() => kill.call(this, "SIGKILL"), checkTimeLimitMs).unref();
  return true;
};
