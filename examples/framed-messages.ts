import { connect, listen } from "hawser";

// Messages with a length of four bytes before them, read as whole ones.
const listener = await listen("tcp://127.0.0.1:0", async (connection) => {
  for (;;) {
    const head = await connection.receive({ min: 4, max: 4 });
    if (head === null) return;
    const size = head.readUInt32BE();
    console.log(String(await connection.receive({ min: size, max: size })));
  }
});
await using connection = await connect(`tcp://127.0.0.1:${listener.port}`);
await connection.send(Buffer.from("\0\0\0\x05first\0\0\0\x06second"));
await connection.close();
await listener.close();
