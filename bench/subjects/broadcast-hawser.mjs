// Broadcast by hawser: each message is published to a topic that all have subscribed to.
import { listenerPort, loadHawser } from "./hawser.mjs";
import { announce, unavailable } from "./subject.mjs";

const TOPIC = "all";

const hawser = await loadHawser(["listen"]);
if (hawser !== null) {
  let listener = null;
  const port = await listenerPort(async () => {
    listener = await hawser.listen("ws://127.0.0.1:0", {
      open: (socket) => socket.subscribe(TOPIC),
      message: (_, message) => listener.publish(TOPIC, message),
    });
    return listener;
  });
  if (port !== null && typeof listener.publish === "function") announce(port);
  else if (port !== null) unavailable("hawser has no publish yet");
}
