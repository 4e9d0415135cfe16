// What docs/api.md declares is there to be imported. That its declarations are those of the sources
// is the matter of the generator (test/docs/api.test.ts).

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import * as http from "../../lib/http.ts";
import * as index from "../../lib/index.ts";
import * as streams from "../../lib/streams.ts";
import * as ws from "../../lib/ws.ts";

const text = readFileSync(new URL("../../docs/api.md", import.meta.url), "utf8");

// Abstract classes are written down for what others inherit of them.
const declared = [...text.matchAll(/^export (?:declare )?(?:function|class|const) (\w+)/gm)].map(
  ([, name = ""]) => name,
);

/** Of these there are only objects that the library makes; their types are exported. */
const madeHere = ["DatagramBatch", "Peer"];

it("every function, class and constant in docs/api.md is exported", () => {
  expect(declared).toEqual(expect.arrayContaining(["connect", "listen", "tune", "StreamSocket"]));
  const exported = new Set([http, index, streams, ws].flatMap((entry) => Object.keys(entry)));
  expect(declared.filter((name) => !exported.has(name))).toEqual(madeHere);
});

it("the counters are those of reactor.counters()", () => {
  expect(Object.keys(index.reactor.counters())).toEqual(Object.keys(index.counters()));
  expect(index.reactor.counters().turns).toBeGreaterThanOrEqual(0);
});
