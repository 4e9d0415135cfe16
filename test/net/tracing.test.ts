// What can be watched from outside: channels of node:diagnostics_channel, and NODE_DEBUG=hawser.
import diagnostics from "node:diagnostics_channel";
import { describe, expect, test } from "vitest";
import { connect, listen } from "../../lib/index.ts";
import { afterTest, closing, nodeServer, ownProcess, Peer, serve, until } from "./support.ts";

const INDEX = new URL("../../lib/index.ts", import.meta.url).href;

type Message = Record<string, unknown>;

function watch(...names: string[]): { name: string; message: Message }[] {
  const seen: { name: string; message: Message }[] = [];
  for (const name of names) {
    const note = (message: unknown) => seen.push({ name, message: message as Message });
    diagnostics.subscribe(name, note);
    afterTest(() => diagnostics.unsubscribe(name, note));
  }
  return seen;
}

describe("diagnostics_channel", () => {
  test("tells states, opening and closing of a connection, with the reason", async () => {
    const { port } = await nodeServer((socket) =>
      socket.once("data", () => socket.resetAndDestroy()),
    );
    const seen = watch(
      "hawser.connection.state",
      "hawser.connection.open",
      "hawser.connection.close",
    );
    const connection = await connect(`tcp://127.0.0.1:${port}`);
    await connection.send("x");
    const result = await connection.closed;
    expect(seen.every(({ message }) => message["connection"] === connection)).toBe(true);
    expect(seen.map(({ name, message }) => [name, message["state"], message["previous"]])).toEqual([
      ["hawser.connection.state", "preparing", "setup"],
      ["hawser.connection.open", undefined, undefined],
      ["hawser.connection.state", "ready", "preparing"],
      ["hawser.connection.state", "failed", "ready"],
      ["hawser.connection.close", undefined, undefined],
    ]);
    expect(seen[1]?.message["establishmentReport"]).toBe(connection.establishmentReport);
    expect(seen[3]?.message["reason"]).toBe(result.error);
    expect(seen[4]?.message["result"]).toMatchObject({ error: result.error, initiator: "peer" });
  });

  test("tells accepted connections, and listeners", async () => {
    const seen = watch("hawser.listener.state", "hawser.listener.error", "hawser.connection.open");
    const listener = await serve({ data() {} });
    const near = await connect(`tcp://127.0.0.1:${listener.port}`);
    await until("accepted", () => listener.connections.size === 1);
    near.abort();
    await listener.close();
    const states = seen.filter(({ name }) => name === "hawser.listener.state");
    expect(states.map(({ message }) => message["state"])).toEqual([
      "preparing",
      "ready",
      "closing",
      "closed",
    ]);
    expect(states.every(({ message }) => message["listener"] === listener)).toBe(true);
    expect(seen.filter(({ name }) => name === "hawser.connection.open").length).toBe(2);
    const refused = await listen("tcp://192.0.2.1:1", { open() {} }).catch((error) => error);
    expect(seen.at(-1)).toMatchObject({ message: { state: "failed", reason: refused } });
  });

  test("who does not subscribe gets nothing, later neither", async () => {
    const listener = closing(await listen("tcp://127.0.0.1:0", { data() {} }));
    const near = await connect(`tcp://127.0.0.1:${listener.port}`);
    const seen = watch("hawser.connection.open");
    near.abort();
    await near.closed;
    expect(seen).toEqual([]);
  });
});

test("NODE_DEBUG=hawser writes states, errors and reasons to stderr", async () => {
  const program = `
    const { connect, listen } = await import(${JSON.stringify(INDEX)});
    const listener = await listen("tcp://127.0.0.1:0", { data() {} });
    const connection = await connect("tcp://127.0.0.1:" + listener.port);
    await connection.close();
    await connect("tcp://127.0.0.1:1").catch(() => {});
    await listener.close();`;
  const args = ["--import", "tsx", "--input-type=module", "-e", program];
  const peer = new Peer(process.execPath, args, { NODE_DEBUG: "hawser" });
  expect(await peer.exit).toBe(0);
  expect(peer.stderr).toMatch(/HAWSER \d+: connection tcp .*: preparing -> ready/);
  expect(peer.stderr).toMatch(/listener 127\.0\.0\.1:\d+: ready -> closing/);
  expect(peer.stderr).toContain("preparing -> failed: connect ECONNREFUSED 127.0.0.1:1");
  const silent = ownProcess(`await connect("tcp://127.0.0.1:1").catch(() => {});`);
  expect(await silent.exit).toBe(0);
  expect(silent.stderr).toBe("");
});
