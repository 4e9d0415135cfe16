// UDP flows over link-local addresses, which two links of a host may both have: between two hosts
// as network namespaces, with the same addresses on each of two links.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Program } from "../../faults/support/program.ts";
import { shell, startIn, whatIsMissing } from "./support.ts";

const missing = whatIsMissing();
const here = `hawser-scope-${process.pid}-a`;
const there = `hawser-scope-${process.pid}-b`;
const PORT = 9_000;

describe.skipIf(missing !== undefined)(
  `UDP over two links with the same addresses${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  () => {
    let own: Program | undefined;
    let other: Program | undefined;

    beforeAll(async () => {
      shell(`
        ip netns add ${here}; ip netns add ${there}
        ip -n ${here} link set lo up; ip -n ${there} link set lo up
        for n in 1 2; do
          ip link add link$n netns ${here} type veth peer name peer$n netns ${there}
          ip -n ${here} link set link$n addrgenmode none up
          ip -n ${there} link set peer$n addrgenmode none up
          ip -n ${here} address add fe80::1/64 dev link$n nodad
          ip -n ${there} address add fe80::2/64 dev peer$n nodad
        done
      `);
      [own, other] = await Promise.all([startIn(here), startIn(there)]);
      await own.ask("listen", { endpoint: "udp://[::]:0" });
      await other.ask("listen", { endpoint: `udp://[::]:${PORT}`, echo: true });
    });

    afterAll(async () => {
      await own?.stop();
      await other?.stop();
      shell(`ip netns delete ${here}; ip netns delete ${there}`);
    });

    test("B33: a peer of one link is not that of the other, though address and port are the same", async () => {
      for (const link of [1, 2, 1]) {
        const endpoint = `udp://[fe80::2%link${link}]:${PORT}`;
        const made = await own?.ask("connect", { endpoint });
        expect(made).toMatchObject({ localAddress: `fe80::1%link${link}`, maxDatagramSize: 1_452 });
        await own?.ask("write", { endpoint, text: `by link ${link}` });
        const answer = await own?.event(({ event }) => event === "data");
        expect(answer).toMatchObject({ text: `by link ${link}`, from: `fe80::2%link${link}` });
      }
      const flows = other?.events.filter(({ event }) => event === "flow") ?? [];
      expect(flows).toMatchObject([
        { remoteAddress: "fe80::1%peer1", localAddress: "fe80::2%peer1" },
        { remoteAddress: "fe80::1%peer2", localAddress: "fe80::2%peer2" },
      ]);
    });

    test("B38: an answer without a flow leaves by the link that it is given", async () => {
      const { port } = (await own?.ask("port")) ?? {};
      for (const link of [2, 1]) {
        const to = { address: `fe80::1%peer${link}`, port };
        await other?.ask("send", { text: `for link ${link}`, to });
        const heard = await own?.event(({ event }) => event === "data");
        expect(heard).toMatchObject({
          text: `for link ${link}`,
          localAddress: `fe80::1%link${link}`,
        });
      }
    });

    test("B54: a zone that is no interface here is ENODEV, and none at all says what is missing", async () => {
      const refused = (endpoint: string) =>
        own?.ask("connect", { endpoint }).then(
          () => "",
          (error: Error) => error.message,
        );
      expect(await refused(`udp://[fe80::2%nowhere]:${PORT}`)).toContain("ENODEV");
      expect(await refused(`udp://[fe80::2]:${PORT}`)).toContain("needs its zone");
    });
  },
);
