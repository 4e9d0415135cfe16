// AsyncLocalStorage in handlers: that of their connect or listen, whoever caused the call.
import { AsyncLocalStorage, AsyncResource } from "node:async_hooks";
import { describe, expect, test } from "vitest";
import { type Connection, connect, listen } from "../../lib/index.ts";
import { captureContext, inContext } from "../../lib/net/handler-context.ts";
import { closing, deferred, delay, nodeClient } from "./support.ts";

const storage = new AsyncLocalStorage<string>();

function noting(seen: Map<string, Set<string | undefined>>, over: () => void) {
  const note = (what: string) => () => {
    seen.set(what, (seen.get(what) ?? new Set()).add(storage.getStore()));
    if (what === "close") over();
  };
  return {
    sendHighWaterMark: 1,
    open: note("open"),
    data: note("data"),
    drain: note("drain"),
    end: note("end"),
    close: note("close"),
    state: note("state"),
  };
}

describe("handlers run in the context", () => {
  test("of their listen(), for every callback", async () => {
    const seen = new Map<string, Set<string | undefined>>();
    const over = deferred();
    const opened = deferred<Connection>();
    const callbacks = noting(seen, over.resolve);
    const listener = closing(
      await storage.run("listen", () =>
        listen("tcp://127.0.0.1:0", {
          ...callbacks,
          open: (c) => {
            callbacks.open();
            opened.resolve(c);
          },
        }),
      ),
    );
    const peer = await nodeClient({ port: listener.port, allowHalfOpen: true });
    const connection = await opened.promise;
    storage.run("elsewhere", () => connection.write("x".repeat(100)));
    await delay(20);
    peer.resume().end("data");
    await over.promise;
    expect([...seen.keys()].sort()).toEqual(["close", "data", "drain", "end", "open", "state"]);
    for (const [name, stores] of seen) expect([name, ...stores]).toEqual([name, "listen"]);
  });

  test("of their connect(), which differ though they share a turn", async () => {
    const stores: (string | undefined)[] = [];
    const listener = closing(
      await listen("tcp://127.0.0.1:0", { open: (c) => void c.write("hi") }),
    );
    const connections = await Promise.all(
      ["one", "two"].map((name) =>
        storage.run(name, () =>
          connect(`tcp://127.0.0.1:${listener.port}`, {
            data: () => stores.push(storage.getStore()),
          }),
        ),
      ),
    );
    await delay(50);
    expect(stores.sort()).toEqual(["one", "two"]);
    for (const connection of connections) connection.abort();
  });

  test("of listen() for a function handler, and what it awaits keeps it", async () => {
    const seen: (string | undefined)[] = [];
    const over = deferred();
    const listener = closing(
      await storage.run("handler", () =>
        listen("tcp://127.0.0.1:0", async (connection) => {
          seen.push(storage.getStore());
          for await (const _ of connection) seen.push(storage.getStore());
          seen.push(storage.getStore());
          over.resolve();
        }),
      ),
    );
    const peer = await nodeClient({ port: listener.port });
    peer.end("x");
    await over.promise;
    expect(seen).toEqual(["handler", "handler", "handler"]);
  });

  test("or in none, where there was none", async () => {
    const seen: unknown[] = ["nothing"];
    const over = deferred();
    const listener = closing(
      await listen("tcp://127.0.0.1:0", {
        data: () => seen.push(storage.getStore()),
        close: () => over.resolve(),
      }),
    );
    const peer = await nodeClient({ port: listener.port });
    storage.run("the peer's", () => peer.end("x"));
    await over.promise;
    expect(seen).toEqual(["nothing", undefined]);
  });
});

test("who uses no context pays nothing: the callback is called as it is", () => {
  const callback = () => {};
  expect(captureContext()).toBeNull();
  expect(inContext(captureContext(), callback)).toBe(callback);
  storage.run("x", () => {
    const context = captureContext();
    expect(context).toBeInstanceOf(AsyncResource);
    expect(inContext(context, callback)).not.toBe(callback);
    expect(inContext(context, undefined)).toBeUndefined();
  });
  // Used once, and left.
  expect(captureContext()).toBeNull();
});

test("a bound callback gets its arguments and gives its result", () => {
  const bound = storage.run("y", () =>
    inContext(captureContext(), (a: number, b: number) => [a + b, storage.getStore()]),
  );
  expect(bound(1, 2)).toEqual([3, "y"]);
});
