// TCP echo by hawser. Argument: lent, owned or await.
import process from "node:process";
import { listenerPort, loadHawser } from "./hawser.mjs";
import { announce } from "./subject.mjs";

const ENDPOINT = "tcp://127.0.0.1:0";

function data(connection, bytes) {
  connection.write(bytes);
}

const styles = {
  lent: (listen) => listen(ENDPOINT, { lend: true, data }),
  owned: (listen) => listen(ENDPOINT, { data }),
  await: (listen) =>
    listen(ENDPOINT, async (connection) => {
      for await (const chunk of connection) await connection.send(chunk);
    }),
};

const hawser = await loadHawser(["listen"]);
if (hawser !== null) {
  const port = await listenerPort(() => styles[process.argv[2]](hawser.listen));
  if (port !== null) announce(port);
}
