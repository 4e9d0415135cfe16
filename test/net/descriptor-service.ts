// A service on the listening socket that it was passed (LISTEN_FDS): answers whatever comes with
// its name, and on SIGTERM stops when everybody who is there has had an answer. Lines of words tell
// what happens.
import process from "node:process";
import { ListenSocket, listen } from "../../lib/index.ts";

const say = (...words: unknown[]) => console.log(...words);
const [, , name = ""] = process.argv;
const [passed] = ListenSocket.inherited();
if (passed === undefined) throw new Error("nothing was passed");
let served = 0;
const listener = await listen(
  { fd: passed.fd },
  {
    data(connection) {
      served++;
      connection.write(name);
    },
  },
);
process.once("SIGTERM", () => {
  void listener.close({ drain: true }).then(() => say("left", name, served));
});
say("ready", name, passed.name, listener.port ?? listener.address.address);
