import { connect } from "hawser";

// As fast as the peer reads, and with at most 64 KiB waiting here.
let left = 50_000_000;
const chunk = Buffer.alloc(16_384);
const connection = await connect(`tcp://127.0.0.1:${process.env.PORT}`, { drain: fill });
function fill() {
  while (left > 0) {
    left -= chunk.length;
    if (!connection.write(chunk)) return;
  }
  connection.close().then(({ transfer }) => console.log(transfer.bytesHandedOver));
}
fill();
