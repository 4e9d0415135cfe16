// Bulk transfer by hawser, callbacks. Argument: lent or owned.
import process from "node:process";
import { encodeCount, makePattern, RECEIVE } from "./bulk.mjs";
import { listenerPort, loadHawser } from "./hawser.mjs";
import { announce } from "./subject.mjs";

const pattern = makePattern();

function fill(connection) {
  while (connection.write(pattern));
}

const options = {
  lend: process.argv[2] === "lent",
  open(connection) {
    connection.data = { mode: 0, count: 0 };
  },
  data(connection, bytes) {
    const state = connection.data;
    state.count += bytes.length;
    if (state.mode !== 0) return;
    state.mode = bytes[0];
    state.count -= 1;
    if (state.mode !== RECEIVE) fill(connection);
  },
  drain: fill,
  end(connection) {
    if (connection.data.mode === RECEIVE) connection.write(encodeCount(connection.data.count));
  },
};

const hawser = await loadHawser(["listen"]);
if (hawser !== null) {
  const port = await listenerPort(() => hawser.listen("tcp://127.0.0.1:0", options));
  if (port !== null) announce(port);
}
