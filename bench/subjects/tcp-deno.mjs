// TCP echo by Deno.listen: one reading loop a connection into a buffer of its own.
import { announce } from "./subject.mjs";

async function serve(connection) {
  const buffer = new Uint8Array(32_768); // what its own stream copying uses
  try {
    for (;;) {
      const length = await connection.read(buffer);
      if (length === null) break;
      let sent = 0;
      while (sent < length) sent += await connection.write(buffer.subarray(sent, length));
    }
  } catch {
    // The generator went away.
  }
  connection.close();
}

async function acceptAll(listener) {
  for await (const connection of listener) {
    connection.setNoDelay(true);
    serve(connection);
  }
}

const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
acceptAll(listener);
announce(listener.addr.port);
