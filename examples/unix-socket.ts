import { connect, listen } from "hawser";

const listener = await listen(`unix:${process.env.SOCKET}`, async (connection) => {
  await connection.send("over a path");
});
await using connection = await connect(`unix:${process.env.SOCKET}`);
console.log(`${await connection.receive()}`, `by ${connection.transport}`);
await connection.close();
await listener.close();
