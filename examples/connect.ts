import { connect } from "hawser";

await using connection = await connect(`tcp://127.0.0.1:${process.env.PORT}`, {
  connectTimeout: 5_000,
  keepAlive: { idle: 60_000, interval: 10_000, count: 3 },
});
await connection.send("hello");
console.log(`${await connection.receive({ min: 5 })} from ${connection.remoteAddress}`);
