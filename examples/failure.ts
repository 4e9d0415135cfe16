import { connect } from "hawser";

const connection = await connect(`tcp://127.0.0.1:${process.env.PORT}`);
await connection.send("are you there?");
const { error, initiator } = await connection.closed;
console.log(error?.code, initiator, error?.bytes?.acknowledged);
