import { Connection } from "hawser";

// Waits while there is no network, says when its path is lost and found, and ends after a minute.
const connection = new Connection(`tcp://127.0.0.1:${process.env.PORT}`, {
  waitForConnectivity: true,
  prohibitedInterfaces: ["wwan0"],
  viabilityTimeout: 60_000,
  state: (_connection, state) => console.log(state),
  viable: (_connection, viable) => console.log(viable ? "back" : "away"),
  betterPath: (_connection, path) => console.log("better", path?.interface?.name),
});
await connection.start().ready;
console.log(connection.viable, connection.path?.status, connection.path?.interface?.kind);
await connection.close();
