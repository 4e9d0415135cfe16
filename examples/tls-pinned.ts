import { createHash } from "node:crypto";
import { connect } from "hawser";

// Accepts one certificate, whoever has signed it.
const connection = await connect(`tls://127.0.0.1:${process.env.PORT}`, {
  tls: {
    async verify({ presentedChain: [leaf] }) {
      const print = createHash("sha256")
        .update(leaf ?? "")
        .digest("hex");
      return print === process.env.FINGERPRINT;
    },
  },
});
console.log(connection.tls?.protocol, connection.tls?.authorized);
await connection.close();
