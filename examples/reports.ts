import { connect } from "hawser";

const connection = await connect(`tcp://localhost:${process.env.PORT}`);
const { phases, attempts } = connection.establishmentReport ?? { phases: [], attempts: [] };
console.log(phases.map(({ phase }) => phase).join(" "));
console.log(attempts.at(-1)?.address === connection.remoteAddress);
await connection.send("hello");
await connection.receive();
console.log(connection.transferReport().bytesRead, connection.bytesWritten);
const { transfer } = await connection.close();
console.log(transfer.bytesRead, transfer.bytesAcknowledged, transfer.segmentsRetransmitted);
