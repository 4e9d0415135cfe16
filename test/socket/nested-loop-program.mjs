// A process of nested-loop.test.ts: the first handler of a turn runs the loop inside it.
//   node nested-loop-program.mjs ADDON

import { once } from "node:events";
import { createRequire } from "node:module";
import { connect as connectOutside } from "node:net";
import process from "node:process";
import { connect, listen } from "hawser";

const { run } = createRequire(import.meta.url)(process.argv[2]);

const calls = [];
let depth = 0;
let timers = 0;
const facts = { nested: [], kept: false, timers: 0, outside: "" };

const listener = await listen("tcp://127.0.0.1:0", {
  lend: true,
  data(connection, bytes) {
    calls.push(String(bytes));
    if (depth > 0) facts.nested.push(String(bytes));
    if (calls.length === 1) {
      const before = Buffer.from(bytes);
      depth++;
      // Callbacks of the user's run in there, and something arrives that would be due for a turn.
      setImmediate(() => timers++);
      outside.write("from outside");
      for (const client of clients) void client.send("more");
      while (timers === 0) run();
      for (let turn = 0; turn < 100; turn++) run();
      depth--;
      facts.kept = before.equals(bytes);
      facts.timers = timers;
    }
    connection.write(bytes);
  },
});
const clients = await Promise.all([1, 2, 3].map(() => connect(`tcp://127.0.0.1:${listener.port}`)));
const outside = connectOutside(listener.port, "127.0.0.1");
await once(outside, "connect");
const answered = once(outside, "data");
await Promise.all(clients.map((client, index) => client.send(`hello${index}`)));
const answers = await Promise.all(clients.map((client) => client.receive({ min: 10 })));
facts.outside = String((await answered)[0]);
outside.destroy();
// The loop still turns for sockets afterwards.
await clients[0].send("again");
const again = String(await clients[0].receive());
await Promise.all(clients.map((client) => client.close()));
await listener.close();
process.stdout.write(JSON.stringify({ ...facts, answers: answers.map(String), again }));
