// Bulk transfer by Deno.listen.
import { encodeCount, makePattern, RECEIVE } from "./bulk.mjs";
import { announce } from "./subject.mjs";

const pattern = makePattern();

async function receive(connection, first) {
  const buffer = new Uint8Array(256 * 1024);
  let count = first;
  for (;;) {
    const length = await connection.read(buffer);
    if (length === null) break;
    count += length;
  }
  await connection.write(encodeCount(count));
}

async function send(connection) {
  let offset = 0;
  for (;;) {
    offset = (offset + (await connection.write(pattern.subarray(offset)))) % pattern.length;
  }
}

async function serve(connection) {
  const buffer = new Uint8Array(65_536);
  try {
    const length = await connection.read(buffer);
    if (buffer[0] === RECEIVE) await receive(connection, length - 1);
    else await send(connection);
  } catch {
    // The generator went away.
  }
  connection.close();
}

async function acceptAll(listener) {
  for await (const connection of listener) serve(connection);
}

const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
acceptAll(listener);
announce(listener.addr.port);
