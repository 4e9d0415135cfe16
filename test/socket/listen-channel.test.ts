// One listening slot of the reactor, beneath what sockets and listeners make of it.

import { afterEach, expect, test } from "vitest";
import { SLOT_LISTENER } from "../../lib/binding/types.ts";
import { ListenChannel } from "../../lib/socket/listen-channel.ts";
import { counters, reactor } from "../../lib/socket/reactor.ts";
import { StreamSocket } from "../../lib/socket/stream-socket.ts";
import { closeAll, listening, rejection, tracked } from "./support.ts";

afterEach(closeAll);

test("a connection accepted in the turn that closes the listener is reset", async () => {
  const { listener, address } = listening("IPv4");
  const name = new Int32Array(2);
  expect(reactor.adopt(listener.fd, SLOT_LISTENER, name)).toBe(0);
  let accepted = 0;
  const channel = new ListenChannel({
    onAccepted: (slot, generation) => {
      accepted++;
      reactor.close(slot, generation, true);
      channel.close();
    },
    onAcceptFailed: () => {},
  });
  channel.attach(name[0] ?? -1, name[1] ?? 0);
  const clients = [1, 2, 3].map(() => tracked(new StreamSocket({ family: "IPv4" })));
  // On loopback all three are queued when these calls return, before the loop turns.
  const connecting = clients.map((client) => client.connect(address));
  const before = counters();
  expect(reactor.watch(channel.slot, channel.generation)).toBe(0);
  await Promise.all(connecting);
  const outcomes = clients.map((client) => rejection(client.receive()));
  for (const error of await Promise.all(outcomes)) {
    expect(error).toMatchObject({ code: "ECONNRESET" });
  }
  const after = counters();
  expect(accepted).toBe(1);
  expect(after.accepts - before.accepts).toBe(4);
  expect(after.openSlots - before.openSlots).toBe(-1);
});
