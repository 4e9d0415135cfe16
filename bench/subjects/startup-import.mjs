// Imports one thing and ends. Argument: nothing, node, ws or hawser.
import process from "node:process";

const imports = {
  nothing: () => undefined,
  node: () => import("node:net"),
  ws: () => import(`${process.env.BENCH_PEER}/node_modules/ws/wrapper.mjs`),
  hawser: () => import("../../dist/index.js"),
};
await imports[process.argv[2]]();
