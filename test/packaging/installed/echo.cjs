// Run where the package was installed: an echo goes round through it, required by CommonJS.
"use strict";
const assert = require("node:assert/strict");
const { connect, listen } = require("hawser");

async function main() {
  const listener = await listen("tcp://127.0.0.1:0", async (connection) => {
    for await (const chunk of connection) await connection.send(chunk);
  });
  const connection = await connect(`tcp://127.0.0.1:${listener.port}`);
  await connection.send("there and back");
  const answer = await connection.receive({ min: 14 });
  assert.equal(answer?.toString(), "there and back");
  await connection.close();
  await listener.close();
  console.log(
    `echo ok: require, Node ${process.versions.node}, ${process.platform}-${process.arch}`,
  );
}

main();
