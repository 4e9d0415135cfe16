import { readFileSync } from "node:fs";
import { describe, expect, expectTypeOf, it } from "vitest";
import {
  CONNECTION_STATES,
  type ConnectionState,
  isTerminal,
  LISTENER_STATES,
  type ListenerState,
  next,
  type StateTable,
} from "../../lib/core/states.ts";
import type * as types from "../../lib/net/types.ts";
import { diagram, grid, states } from "../../scripts/generate-states.ts";

type AnyTable = StateTable<string, string>;

function reachable(table: AnyTable, from: string): Set<string> {
  const seen = new Set([from]);
  for (const state of seen) {
    for (const target of Object.values(table.rows[state] ?? {})) {
      if (target !== undefined) seen.add(target);
    }
  }
  return seen;
}

describe.each([CONNECTION_STATES, LISTENER_STATES] as AnyTable[])("the table of $name", (table) => {
  const all = Object.keys(table.rows);

  it("names only states and events that are described", () => {
    expect(Object.keys(table.states)).toEqual(all);
    for (const row of Object.values(table.rows)) {
      for (const [event, target] of Object.entries(row)) {
        expect(Object.keys(table.events)).toContain(event);
        expect(all).toContain(target);
      }
    }
    for (const event of Object.keys(table.events)) {
      expect(
        Object.values(table.rows).some((row) => event in row),
        event,
      ).toBe(true);
    }
  });

  it("leads from its initial state to every state", () => {
    expect([...reachable(table, table.initial)].sort()).toEqual([...all].sort());
  });

  it("leads from every state to an end", () => {
    for (const state of all) {
      const ends = [...reachable(table, state)].filter((one) => table.terminal.includes(one));
      expect(ends, state).not.toEqual([]);
    }
  });

  it("B20 leaves no terminal state", () => {
    for (const state of table.terminal) expect([...reachable(table, state)]).toEqual([state]);
  });

  it("takes close and abort in every state, and fail in every one that is not the end", () => {
    for (const state of all) {
      expect(next(table, state, "close"), state).toBeDefined();
      expect(next(table, state, "abort"), state).toBeDefined();
      expect(next(table, state, "fail"), state).toBe(
        table.terminal.includes(state) ? undefined : "failed",
      );
    }
  });

  it("is drawn with each of its changes", () => {
    const text = diagram(table);
    for (const [state, row] of Object.entries(table.rows)) {
      for (const [event, target] of Object.entries(row)) {
        if (target === state) continue;
        expect(text).toMatch(new RegExp(`^  ${state} --> ${target}: .*\\b${event}\\b`, "m"));
      }
    }
    expect(grid(table).split("\n")).toHaveLength(all.length + 2);
  });
});

describe("next", () => {
  it.each([
    ["setup", "start", "preparing"],
    ["preparing", "established", "ready"],
    ["preparing", "noPath", "waiting"],
    ["waiting", "retry", "preparing"],
    ["preparing", "close", "closing"],
    ["ready", "peerFinished", "closing"],
    ["closing", "established", "closing"],
    ["closing", "finished", "closed"],
    ["closing", "fail", "failed"],
    ["failed", "close", "failed"],
  ] as const)("Connection: %s, %s -> %s", (state, event, target) => {
    expect(next(CONNECTION_STATES, state, event)).toBe(target);
  });

  it.each([
    ["setup", "established"],
    ["ready", "start"],
    ["ready", "noPath"],
    ["closing", "peerFinished"],
    ["closed", "fail"],
    ["failed", "finished"],
  ] as const)("Connection: %s, %s is impossible", (state, event) => {
    expect(next(CONNECTION_STATES, state, event)).toBeUndefined();
  });

  it("isTerminal knows the ends", () => {
    expect(isTerminal(CONNECTION_STATES, "failed")).toBe(true);
    expect(isTerminal(CONNECTION_STATES, "closing")).toBe(false);
  });
});

describe("the public types and the docs", () => {
  it("know the same states", () => {
    expectTypeOf<ConnectionState>().toEqualTypeOf<types.ConnectionState>();
    expectTypeOf<ListenerState>().toEqualTypeOf<types.ListenerState>();
  });

  it("docs/states.md is what the tables say", () => {
    expect(readFileSync(new URL("../../docs/states.md", import.meta.url), "utf8")).toBe(states());
  });
});
