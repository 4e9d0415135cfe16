// Run where the package was installed: an echo goes round through it, imported as an ES module.
import assert from "node:assert/strict";
import { connect, listen } from "hawser";

const listener = await listen("tcp://127.0.0.1:0", {
  data(connection, bytes) {
    connection.write(bytes);
  },
});
const connection = await connect(`tcp://127.0.0.1:${listener.port}`);
await connection.send("there and back");
const answer = await connection.receive({ min: 14 });
assert.equal(answer?.toString(), "there and back");
await connection.close();
await listener.close();
console.log(`echo ok: import, Node ${process.versions.node}, ${process.platform}-${process.arch}`);
