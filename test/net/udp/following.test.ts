// Groups and local addresses that follow interfaces which come and go, between two hosts as network
// namespaces.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Program } from "../../faults/support/program.ts";
import { shell, startIn, whatIsMissing } from "./support.ts";

const missing = whatIsMissing();
const here = `hawser-follow-${process.pid}-a`;
const there = `hawser-follow-${process.pid}-b`;
const GROUP = "239.73.1.1";
const PORT = 9_000;

/** A link between the hosts: `name` here, `peer` there. */
function addLink(number: number): void {
  shell(`
    ip link add link${number} netns ${here} type veth peer name peer${number} netns ${there}
    ip -n ${here} address add 10.74.${number}.1/24 broadcast 10.74.${number}.255 dev link${number}
    ip -n ${there} address add 10.74.${number}.2/24 broadcast 10.74.${number}.255 dev peer${number}
    ip -n ${there} link set peer${number} up
    ip -n ${here} link set link${number} up
  `);
}

const removeLink = (number: number) => shell(`ip -n ${here} link delete link${number}`);

describe.skipIf(missing !== undefined)(
  `UDP where interfaces come and go${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  () => {
    let own: Program | undefined;
    let other: Program | undefined;
    const programs = () => ({ own: own as Program, other: other as Program });

    beforeAll(async () => {
      shell(`
        ip netns add ${here}; ip netns add ${there}
        ip -n ${here} link set lo up; ip -n ${there} link set lo up
        ip netns exec ${here} sysctl -q -w net.ipv4.igmp_max_memberships=3
      `);
      addLink(1);
      [own, other] = await Promise.all([startIn(here), startIn(there)]);
      await own.ask("listen", { endpoint: `udp://0.0.0.0:${PORT}`, options: { broadcast: true } });
      await other.ask("listen", {
        endpoint: `udp://0.0.0.0:${PORT}`,
        options: { broadcast: true },
      });
    });

    afterAll(async () => {
      await own?.stop();
      await other?.stop();
      shell(`ip netns delete ${here}; ip netns delete ${there}`);
    });

    test("B41: a group on all interfaces joins on one that appears, and hears what comes there", async () => {
      const { own, other } = programs();
      const options = { address: GROUP, loopback: false };
      expect((await own.ask("join", { options })).names).toEqual(["link1"]);
      expect((await other.ask("join", { options })).names).toEqual(["peer1"]);
      addLink(2);
      await own.ask("joined", { names: ["link1", "link2"] });
      await other.ask("joined", { names: ["peer1", "peer2"] });
      await other.ask("sendToGroup", { text: "through both" });
      const heard = [1, 2].map((number) =>
        own.event(({ event, by }) => event === "heard" && by === `link${number}`),
      );
      expect(await Promise.all(heard)).toMatchObject([
        { text: "through both", from: "10.74.1.2" },
        { text: "through both", from: "10.74.2.2" },
      ]);
    });

    test("B41: one that is gone is forgotten: sending through all of them fails for none", async () => {
      const { own, other } = programs();
      removeLink(2);
      await own.ask("joined", { names: ["link1"] });
      await own.ask("sendToGroup", { text: "through what is left" });
      const heard = await other.event(({ event }) => event === "heard");
      expect(heard).toMatchObject({ text: "through what is left", from: "10.74.1.1", by: "peer1" });
    });

    test("B41: memberships of interfaces that are gone are given back (igmp_max_memberships)", async () => {
      const { own } = programs();
      for (let round = 0; round < 6; round++) {
        addLink(3);
        await own.ask("joined", { names: ["link1", "link3"] });
        removeLink(3);
        await own.ask("joined", { names: ["link1"] });
      }
    });

    test("B41: an interface that is down is left, and joined when it is up again", async () => {
      const { own, other } = programs();
      addLink(4);
      await own.ask("joined", { names: ["link1", "link4"] });
      await other.ask("joined", { names: ["peer1", "peer4"] });
      shell(`ip -n ${here} link set link4 down`);
      await own.ask("joined", { names: ["link1"] });
      await own.ask("sendToGroup", { text: "without it" });
      shell(`ip -n ${here} link set link4 up`);
      await own.ask("joined", { names: ["link1", "link4"] });
      await other.ask("sendToGroup", { text: "with it" });
      const heard = await own.event(({ event, by }) => event === "heard" && by === "link4");
      expect(heard).toMatchObject({ text: "with it", from: "10.74.4.2" });
      removeLink(4);
    });

    test("B38, B40: an address that has changed is the one that a broadcast is answered from", async () => {
      const { own, other } = programs();
      const to = { address: "10.74.1.255", port: PORT };
      await other.ask("send", { text: "before", to });
      const before = await own.event(({ event }) => event === "flow");
      expect(before).toMatchObject({ remoteAddress: "10.74.1.2", localAddress: "10.74.1.1" });
      shell(`
        ip -n ${here} address delete 10.74.1.1/24 dev link1
        ip -n ${here} address add 10.74.1.7/24 broadcast 10.74.1.255 dev link1
        ip -n ${there} address delete 10.74.1.2/24 dev peer1
        ip -n ${there} address add 10.74.1.8/24 broadcast 10.74.1.255 dev peer1
      `);
      await other.ask("send", { text: "after", to });
      const after = await own.event(({ event }) => event === "flow");
      expect(after).toMatchObject({ remoteAddress: "10.74.1.8", localAddress: "10.74.1.7" });
    });
  },
);
