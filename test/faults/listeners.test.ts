// Listeners on hosts of their own: what becomes of connections in the kernel's queue when one of
// several with reusePort leaves (B29), a queue that is full, a port that is taken again at once.
import { expect } from "vitest";
import {
  type HawserProcess,
  type Hosts,
  nothingFor,
  type RemoteConnection,
  scenarios,
} from "./support/hosts.ts";
import { CONNECTION, endpointOf, listenEndpointOf } from "./support/pairs.ts";

const MANY = 120;
const HERE = listenEndpointOf(CONNECTION);
const THERE = endpointOf(CONNECTION);

interface Sharing {
  readonly leaving: HawserProcess;
  readonly staying: HawserProcess;
  readonly connections: readonly RemoteConnection[];
}

const acceptedBy = ({ program }: HawserProcess) =>
  program.events.filter(({ event }) => event === "accepted").length;

/** Two processes share a port. One of them takes nobody in: its queue has what comes to it. */
async function sharing(hosts: Hosts): Promise<Sharing> {
  const [client, leaving, staying] = await Promise.all([
    hosts.hawser("client"),
    hosts.hawser("server"),
    hosts.hawser("server"),
  ]);
  await leaving.listen(HERE, { reusePort: true, newConnectionLimit: 0 });
  await staying.listen(HERE, { reusePort: true });
  const connecting = Array.from({ length: MANY }, () => client.connect(THERE));
  const connections = await Promise.all(connecting);
  for (const connection of connections) await connection.write(10);
  // A half each, by the hash of the addresses.
  expect(acceptedBy(staying)).toBeGreaterThan(MANY / 4);
  expect(acceptedBy(staying)).toBeLessThan((3 * MANY) / 4);
  expect(acceptedBy(leaving)).toBe(0);
  return { leaving, staying, connections };
}

const lostOf = (connections: readonly RemoteConnection[]) =>
  connections.filter((connection) => connection.hasEnded).length;

scenarios("one of several with reusePort leaves", {
  async "B29 without anything done about it, the kernel resets what it has queued"(hosts) {
    const { leaving, staying, connections } = await sharing(hosts);
    const queued = MANY - acceptedBy(staying);
    await leaving.program.ask("stopListening", { options: {} });
    while (lostOf(connections) < queued) await nothingFor(50);
    await nothingFor(500);
    expect(lostOf(connections)).toBe(queued);
  },

  async "B29 close({ drain: true }) takes the queue in first: none is lost"(hosts) {
    const { leaving, staying, connections } = await sharing(hosts);
    await leaving.program.ask("stopListening", { options: { drain: true } });
    while (acceptedBy(leaving) + acceptedBy(staying) < MANY) await nothingFor(50);
    await nothingFor(500);
    expect(lostOf(connections)).toBe(0);
  },

  async "B29 net.ipv4.tcp_migrate_req=1 gives the queue to the others: none is lost"(hosts) {
    await hosts.network.sysctl("server", "net.ipv4.tcp_migrate_req=1");
    const { leaving, staying, connections } = await sharing(hosts);
    await leaving.program.ask("stopListening", { options: {} });
    while (acceptedBy(staying) < MANY) await nothingFor(50);
    await nothingFor(500);
    expect(lostOf(connections)).toBe(0);
    expect(acceptedBy(leaving)).toBe(0);
  },
});

scenarios("a listener", {
  async "B27 whose queue is full: who did not fit comes in when there is room"(hosts) {
    const [client, server] = await Promise.all([hosts.hawser("client"), hosts.hawser("server")]);
    await server.listen(HERE, { backlog: 2, newConnectionLimit: 0 });
    const connecting = Array.from({ length: 10 }, () =>
      client.connect(THERE, { connectTimeout: 60_000 }),
    );
    await nothingFor(1_500);
    expect(acceptedBy(server)).toBe(0);
    await server.program.ask("admit");
    const connections = await Promise.all(connecting);
    for (const connection of connections) await connection.write(10);
    while (acceptedBy(server) < connections.length) await nothingFor(50);
    expect(lostOf(connections)).toBe(0);
  },

  async "whose process was killed: the next one has the port at once"(hosts) {
    const [client, first] = await Promise.all([hosts.hawser("client"), hosts.hawser("server")]);
    await first.listen(HERE);
    const before = await client.connect(THERE);
    await first.accepted();
    await before.write(10);
    await first.program.stop();
    const second = await hosts.hawser("server");
    await second.listen(HERE);
    await expect(before.ended()).resolves.toMatchObject({ initiator: "peer" });
    const after = await client.connect(THERE);
    await second.accepted();
    expect(after.hasEnded).toBe(false);
  },

  async "that ends by itself: the next one has the port at once, with connections left over"(
    hosts,
  ) {
    const [client, server] = await Promise.all([hosts.hawser("client"), hosts.hawser("server")]);
    await server.listen(HERE);
    const before = await client.connect(THERE);
    await server.accepted();
    await server.program.ask("stopListening", { options: {} });
    await expect(before.ended()).resolves.toMatchObject({ code: null, initiator: "peer" });
    await server.listen(HERE);
    await client.connect(THERE);
    await server.accepted();
  },
});
