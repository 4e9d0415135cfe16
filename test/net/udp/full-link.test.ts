// UDP into a link that takes less than is sent, between two hosts as network namespaces: what the
// kernel has no room for (ENOBUFS) waits here, and is not lost.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Program } from "../../faults/support/program.ts";
import { shell, startIn, whatIsMissing } from "./support.ts";

const missing = whatIsMissing();
const here = `hawser-full-${process.pid}-a`;
const there = `hawser-full-${process.pid}-b`;
const endpoint = "udp://10.77.1.2:9000";
const COUNT = 300;
const BYTES = 1_000;

describe.skipIf(missing !== undefined)(
  `UDP into a slow link${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  () => {
    let own: Program | undefined;
    let other: Program | undefined;

    // Four megabits a second, and a queue for five datagrams.
    beforeAll(async () => {
      shell(`
        ip netns add ${here}; ip netns add ${there}
        ip link add near netns ${here} type veth peer name far netns ${there}
        ip -n ${here} address add 10.77.1.1/24 dev near; ip -n ${here} link set near up
        ip -n ${there} address add 10.77.1.2/24 dev far; ip -n ${there} link set far up
        tc -n ${here} qdisc add dev near root tbf rate 4mbit burst 3000 limit 5500
      `);
      [own, other] = await Promise.all([startIn(here), startIn(there)]);
    });

    afterAll(async () => {
      await own?.stop();
      await other?.stop();
      shell(`ip netns delete ${here}; ip netns delete ${there}`);
    });

    test("what a flow of a listener sends waits for room, and all of it arrives in order", async () => {
      await other?.ask("tally", { endpoint });
      await own?.ask("listen", { endpoint: "udp://0.0.0.0:0" });
      await own?.ask("connect", { endpoint });
      const sent = await own?.ask("burst", { endpoint, count: COUNT, bytes: BYTES });
      expect(sent).toMatchObject({ left: 0 });
      expect(sent?.["waited"]).toBeGreaterThan((COUNT * BYTES) / 2);
      const all = await other?.ask("tallied", { count: COUNT });
      expect(all).toMatchObject({ count: COUNT, isInOrder: true, kernelDrops: 0 });
    });

    test("write says false and drain follows, and close leaves nothing behind", async () => {
      const to = endpoint.replace("9000", "9001");
      await other?.ask("tally", { endpoint: to });
      const poured = await own?.ask("pour", { endpoint: to, count: COUNT, bytes: BYTES });
      expect(poured?.["drains"]).toBeGreaterThan(1);
      const all = await other?.ask("tallied", { count: COUNT });
      expect(all).toMatchObject({ count: COUNT, isInOrder: true });
    });
  },
);
