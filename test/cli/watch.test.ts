// `hawser watch` on a terminal: plots that are drawn over. The lines without one: command.test.ts.

import { spawnSync } from "node:child_process";
import { once } from "node:events";
import net, { type AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { palette } from "../../lib/cli/terminal.ts";
import { History } from "../../lib/cli/watch.ts";
import type { TcpInfo } from "../../lib/socket/options.ts";
import { foreignEnvironment, nodeArguments } from "../support/environment.ts";
import { cleanUpAfterEach, cleanUps, MAIN, Run } from "./support.ts";

cleanUpAfterEach();

const plain = palette({ isTTY: false } as never);

function look(more: Partial<TcpInfo> = {}): TcpInfo {
  return {
    state: "ESTABLISHED",
    roundTripTimeMs: 1,
    segmentsRetransmitted: 0,
    sendWindowBytes: 65_536,
    sinceAcknowledgmentMs: 20,
    unacknowledgedSegments: 0,
    ...more,
  } as TcpInfo;
}

describe("the plots", () => {
  it("round-trip times, retransmissions as they happen, and the window", () => {
    const history = new History();
    for (const [roundTripTimeMs, segmentsRetransmitted] of [
      [1, 2],
      [8, 2],
      [1, 5],
    ] as const) {
      history.add(look({ roundTripTimeMs, segmentsRetransmitted }));
    }
    const [roundTrip, retransmitted, window, rest] = history.show(look(), 100, plain);
    expect(roundTrip).toMatch(/^round trip +▁█▁ +1\.00 ms \(1\.00 ms to 8\.00 ms\)$/);
    expect(retransmitted).toMatch(/^retransmitted +▆▁█ +3 \(0 to 3\)$/);
    expect(window).toMatch(/^peer's window +▁▁▁ +64\.0 KiB$/);
    expect(rest).toBe("ESTABLISHED, heard 20.0 ms ago, 0 segments unacknowledged");
  });

  it("what the system does not tell is unknown, and no plot", () => {
    const history = new History();
    const info = look({ segmentsRetransmitted: null, sinceAcknowledgmentMs: null });
    history.add(info);
    const [, retransmitted, , rest] = history.show(info, 100, plain);
    expect(retransmitted).toMatch(/^retransmitted +unknown$/);
    expect(rest).toBe("ESTABLISHED, 0 segments unacknowledged");
  });

  it.each([20, 40, 80, 200])("no line is broken by a terminal of %d columns", (columns) => {
    const history = new History();
    for (let index = 0; index < 500; index++) {
      history.add(look({ roundTripTimeMs: index, sendWindowBytes: index * 1_000 }));
    }
    for (const line of history.show(look(), columns, plain)) {
      expect([...line].length).toBeLessThan(columns);
    }
  });
});

const hasScript = spawnSync("script", ["--version"], { env: foreignEnvironment() }).status === 0;

it.skipIf(!hasScript)("draws over its own lines (skipped without script)", async () => {
  const server = net.createServer((socket) => socket.on("error", () => {}).resume());
  cleanUps.push(() => server.close());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const node = ["env", ...nodeArguments(), process.execPath, MAIN]
    .map((one) => `'${one}'`)
    .join(" ");
  const command = `stty cols 90; ${node} watch 127.0.0.1:${port} --count 3 --interval 10ms`;
  const run = new Run("script", ["-qec", command, "/dev/null"], foreignEnvironment());
  expect(await run.ended()).toBe(0);
  // Three looks of four lines; the second and third begin four lines up.
  expect(run.out.split("\u001b[4A")).toHaveLength(3);
  expect(run.out.match(/round trip/g)).toHaveLength(3);
  expect(run.out).toMatch(/peer's window/);
});
