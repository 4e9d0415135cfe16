// WebSocket echo by hawser. Arguments: a style (lent, owned, await), then optionally deflate or
// takeover.
import process from "node:process";
import { listenerPort, loadHawser } from "./hawser.mjs";
import { announce } from "./subject.mjs";

const ENDPOINT = "ws://127.0.0.1:0";
const [style, compression] = process.argv.slice(2);

const deflate = {
  deflate: { perMessageDeflate: true },
  takeover: {
    perMessageDeflate: { serverNoContextTakeover: false, clientNoContextTakeover: false },
  },
}[compression];

function message(socket, received) {
  socket.write(received);
}

const styles = {
  lent: (listen) => listen(ENDPOINT, { ...deflate, lend: true, message }),
  owned: (listen) => listen(ENDPOINT, { ...deflate, message }),
  await: (listen) =>
    listen(ENDPOINT, { ...deflate }, async (socket) => {
      for await (const received of socket) await socket.send(received);
    }),
};

const hawser = await loadHawser(["listen"]);
if (hawser !== null) {
  const port = await listenerPort(() => styles[style](hawser.listen));
  if (port !== null) announce(port);
}
