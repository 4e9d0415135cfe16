// What bare socket options do under the same faults, with Python on both sides: the facts that
// docs/dead-peers.md gives as the reason for the rule of B12. Times are shorter than there.
import { expect } from "vitest";
import { type Hosts, nothingFor, scenarios } from "./support/hosts.ts";
import { SERVER_ADDRESS } from "./support/network.ts";
import { type Program, sharedNow, slowness } from "./support/program.ts";

const PORT = 7_000;
const LATE_MS = 600 * slowness;
const ETIMEDOUT = 110;

/** Two Pythons: the client's socket has these options. */
async function connected(
  hosts: Hosts,
  options: Readonly<Record<string, number>>,
): Promise<{ client: Program; server: Program }> {
  const [client, server] = await Promise.all([hosts.python("client"), hosts.python("server")]);
  await server.ask("listen", { port: PORT, receiveBuffer: 32_768 });
  await client.ask("connect", { address: SERVER_ADDRESS, port: PORT });
  await server.ask("accept");
  await client.ask("options", { options });
  return { client, server };
}

scenarios("bare socket options", {
  async "TCP_USER_TIMEOUT kills a live peer that does not read (2 s)"(hosts) {
    const { client } = await connected(hosts, { TCP_USER_TIMEOUT: 2_000 });
    await client.ask("fill");
    const filledAt = sharedNow();
    const { errno } = await client.ask("receive");
    expect(errno).toBe(ETIMEDOUT);
    expect(sharedNow() - filledAt).toBeLessThan(6_000 + LATE_MS);
  },

  async "TCP_USER_TIMEOUT takes the place of the probe count (1/1/2 with 8 s: not 3 but 8 s)"(
    hosts,
  ) {
    const options = { SO_KEEPALIVE: 1, TCP_KEEPIDLE: 1, TCP_KEEPINTVL: 1, TCP_KEEPCNT: 2 };
    const { client } = await connected(hosts, { ...options, TCP_USER_TIMEOUT: 8_000 });
    await hosts.network.blackHole();
    const goneAt = sharedNow();
    const { errno } = await client.ask("receive");
    expect(errno).toBe(ETIMEDOUT);
    expect(sharedNow() - goneAt).toBeGreaterThan(6_500);
  },

  async "keepalive 1/1/2 rests while data is pending (nothing within 12 s)"(hosts) {
    const options = { SO_KEEPALIVE: 1, TCP_KEEPIDLE: 1, TCP_KEEPINTVL: 1, TCP_KEEPCNT: 2 };
    const { client } = await connected(hosts, options);
    await hosts.network.blackHole();
    await client.ask("send", { bytes: 20 });
    let isOver = false;
    const over = client.ask("receive").then(
      () => {
        isOver = true;
      },
      // The program is ended with the scenario.
      () => {},
    );
    await nothingFor(12_000);
    expect(isOver).toBe(false);
    await client.stop();
    await over;
  },

  async "and works without any (1/1/2: 3 s)"(hosts) {
    const options = { SO_KEEPALIVE: 1, TCP_KEEPIDLE: 1, TCP_KEEPINTVL: 1, TCP_KEEPCNT: 2 };
    const { client } = await connected(hosts, options);
    await hosts.network.blackHole();
    const goneAt = sharedNow();
    const { errno } = await client.ask("receive");
    expect(errno).toBe(ETIMEDOUT);
    expect(sharedNow() - goneAt).toBeLessThan(4_000 + LATE_MS);
  },
});
