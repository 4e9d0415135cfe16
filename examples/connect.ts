import { connect } from "hawser";

const options = { connectTimeout: 5_000, keepAlive: { idle: 30_000, interval: 5_000, count: 3 } };
const connection = await connect(`tcp://127.0.0.1:${process.env.PORT}`, options);
await connection.send("hello");
console.log(`${await connection.receive({ min: 5 })} from ${connection.remoteAddress}`);
await connection.close();
