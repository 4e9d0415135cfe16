// The rules of scripts/checks/layers.ts, each shown to catch what it forbids.
import { describe, expect, test } from "vitest";
import { checkLayers, libraryBreaks, nativeBreaks } from "../../scripts/checks/layers.ts";

const library = (path: string, text: string) => libraryBreaks(new Map([[path, text]]));
const native = (path: string, text: string) => nativeBreaks(new Map([[path, text]]));

describe("layers of lib", () => {
  test.each([
    ["lib/net/connection.ts", 'import { a } from "../socket/reactor.ts";'],
    ["lib/net/connection.ts", 'import { a } from "../binding/native.ts";'],
    ["lib/net/connection.ts", 'import { a } from "./listener.ts";'],
    ["lib/index.ts", 'export { a } from "./net/connection.ts";'],
    ["lib/index.ts", 'const a = await import("./websocket/client.ts");'],
    ["lib/cli/start.ts", 'import { a } from "../index.ts";'],
    ["lib/websocket/client.ts", 'import { a } from "../net/connection.ts";'],
    ["lib/websocket/client.ts", 'import { a } from "./protocol/index.ts";'],
    ["lib/websocket/protocol/parser.ts", 'import { HawserError } from "../../errors/index.ts";'],
    ["lib/core/queue.ts", 'import { a } from "../errors/index.ts";'],
    ["lib/net/resolver.ts", 'import { lookup } from "node:dns";'],
  ])("%s may say %s", (path, text) => {
    expect(library(path, text)).toEqual([]);
  });

  test.each([
    [
      "lib/socket/reactor.ts",
      'import { a } from "../net/connection.ts";',
      "socket must not know net",
    ],
    ["lib/net/connection.ts", 'import { a } from "../index.ts";', "net must not know index"],
    ["lib/net/a.ts", 'import type { A } from "../tls/a.ts";', "net must not know tls"],
    ["lib/net/a.ts", 'export * from "../websocket/a.ts";', "net must not know websocket"],
    ["lib/net/a.ts", 'const a = await import("../websocket/a.ts");', "net must not know websocket"],
    ["lib/index.ts", 'import { a } from "./cli/start.ts";', "index must not know cli"],
    ["lib/tls/a.ts", 'import { a } from "../websocket/a.ts";', "tls must not know websocket"],
    ["lib/errors/a.ts", 'import { a } from "../core/queue.ts";', "errors must not know core"],
    ["lib/core/a.ts", 'import { a } from "../net/types.ts";', "core must not know net"],
    ["lib/net/a.ts", 'import { a } from "../../scripts/run.ts";', "outside lib/"],
    ["lib/net/a.ts", 'import { a } from "ws";', "no dependencies"],
    ["lib/other/a.ts", 'import { a } from "../net/types.ts";', "no place in the order"],
    ["lib/core/a.ts", 'import { a } from "node:net";', "is pure: no node:net"],
    ["lib/websocket/protocol/a.ts", 'import { a } from "node:timers";', "is pure"],
    ["lib/websocket/protocol/a.ts", 'import { a } from "../client.ts";', "knows no I/O"],
    ["lib/websocket/protocol/a.ts", 'import { a } from "../../net/types.ts";', "knows no I/O"],
  ])("%s may not say %s", (path, text, message) => {
    expect(library(path, text).map((finding) => finding.message)).toEqual([
      expect.stringContaining(message),
    ]);
  });

  test.each(["setTimeout(f, 1)", "Date.now()", "process.nextTick(f)", "performance.now()"])(
    "a pure folder does not ask for time by %s",
    (call) => {
      expect(library("lib/core/a.ts", `\n${call};`)).toEqual([
        { path: "lib/core/a.ts", line: 2, message: expect.stringContaining("time is handed in") },
      ]);
      expect(library("lib/net/a.ts", `${call};`)).toEqual([]);
    },
  );
});

describe("layers of native", () => {
  test.each([
    ["native/binding/addon.cc", "#include <napi.h>"],
    ["native/binding/loop_bridge.cc", "int uv_poll_start(uv_poll_t*, int, uv_poll_cb);"],
    ["native/reactor/poller_epoll.cc", "#include <sys/epoll.h>"],
    ["native/reactor/poller_kqueue.cc", "#include <sys/event.h>"],
    ["native/platform/platform.h", "#if defined(__linux__)"],
    ["native/reactor/reactor.h", '#include "socket/calls.h"'],
    ["native/socket/calls.cc", "// on __linux__ uv_poll would do, see <sys/epoll.h>"],
  ])("%s may say %s", (path, text) => {
    expect(native(path, text)).toEqual([]);
  });

  test.each([
    ["native/reactor/reactor.h", "#include <napi.h>", "Node-API"],
    ["native/reactor/reactor.h", "#include <node_api.h>", "Node-API"],
    ["native/reactor/reactor.cc", "#include <sys/epoll.h>", "epoll(7)"],
    ["native/reactor/poller_epoll.cc", "#include <sys/event.h>", "kqueue(2)"],
    ["native/socket/calls.cc", "#ifdef __APPLE__", "which system"],
    ["native/binding/environment.cc", "uv_idle_start(&idle, f);", "libuv"],
    ["native/socket/calls.cc", '#include "reactor/reactor.h"', "socket must not know reactor"],
    ["native/platform/linux.h", '#include "socket/calls.h"', "platform must not know socket"],
    ["native/socket/calls.cc", '#include "calls.h"', "must be named from native/"],
  ])("%s may not say %s", (path, text, message) => {
    expect(native(path, `\n${text}\n`)).toEqual([
      { path, line: 2, message: expect.stringContaining(message) },
    ]);
  });
});

test("the project keeps its layers", () => {
  expect(checkLayers()).toEqual([]);
});
