import { connect } from "hawser";

// One read is one datagram; the path has a size that it takes.
const flow = await connect(`udp://127.0.0.1:${process.env.PORT}`);
await flow.send("ping");
console.log(`${await flow.receive()}`, flow.maxDatagramSize >= 1_472);
await flow.close();
