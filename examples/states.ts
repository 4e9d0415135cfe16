import { Connection } from "hawser";

// Everything can be wired before anything happens.
const connection = new Connection(`tcp://127.0.0.1:${process.env.PORT}`, {
  state(_connection, state, reason) {
    console.log(state, reason?.code ?? "");
  },
});
console.log(connection.state);
connection.start();
await connection.ready;
await connection.close();
