import { connect } from "hawser";

// A name that the program resolves itself, and options of the kernel's before the first packet.
const connection = await connect(`tcp://db.internal:${process.env.PORT}`, {
  lookup: (_name, _options, done) => done(null, "127.0.0.1", 4),
  localAddress: "127.0.0.1",
  localPort: 0,
  interface: process.platform === "darwin" ? "lo0" : "lo",
  noDelay: false,
  socketOptions: { SO_SNDBUF: 65_536 },
  signal: AbortSignal.timeout(10_000),
});
console.log(connection.localAddress, connection.getOption("TCP_NODELAY"));
await connection.close();
