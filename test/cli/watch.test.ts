// `hawser watch`: lines, and on a terminal plots that are drawn over.

import { once } from "node:events";
import net, { type AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { palette } from "../../lib/cli/terminal.ts";
import { History } from "../../lib/cli/watch.ts";
import type { TcpInfo } from "../../lib/socket/options.ts";
import {
  cleanUpAfterEach,
  cleanUps,
  hasScript,
  hawser,
  inTerminal,
  skippedWithoutScript,
} from "./support.ts";

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

async function serve(onConnection: (socket: net.Socket) => void): Promise<number> {
  const server = net.createServer((socket) => {
    socket.on("error", () => {});
    onConnection(socket);
  });
  cleanUps.push(() => server.close());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

const echo = (socket: net.Socket) => void socket.pipe(socket);

describe("hawser watch", () => {
  it("prints one line for each look", async () => {
    const port = await serve(echo);
    const run = hawser("watch", `127.0.0.1:${port}`, "--count", "3", "--interval", "10ms");
    expect(await run.ended()).toBe(0);
    expect(run.out.trim().split("\n")).toHaveLength(3);
    expect(run.out).toMatch(/round trip \d.*state ESTABLISHED$/m);
  });

  it("--json is one object a line", async () => {
    const port = await serve(echo);
    const run = hawser("watch", `tcp://127.0.0.1:${port}`, "--count", "1", "--json");
    expect(await run.ended()).toBe(0);
    expect(JSON.parse(run.out).state).toBe("ESTABLISHED");
  });

  it("--send gives the kernel something to measure, and the answers are dropped", async () => {
    let heard = "";
    const port = await serve((socket) => {
      socket.on("data", (bytes) => {
        heard += bytes;
        socket.write(Buffer.alloc(1_000_000));
      });
    });
    const flags = ["--send", "ping\\n", "--count", "4", "--interval", "30ms", "--json"];
    const run = hawser("watch", `127.0.0.1:${port}`, ...flags);
    expect(await run.ended()).toBe(0);
    expect(heard).toBe("ping\n".repeat(3));
    const looks = run.out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const acknowledged = looks.map(({ bytesAcknowledged }) => bytesAcknowledged);
    if (process.platform === "linux") expect(acknowledged.at(-1)).toBeGreaterThan(acknowledged[0]);
  });

  it("what the peer has said does not hide its end: status 1", async () => {
    const port = await serve((socket) => setTimeout(() => socket.end("and good bye"), 50));
    const run = hawser("watch", `127.0.0.1:${port}`, "--interval", "20ms");
    expect(await run.ended()).toBe(1);
    expect(run.out).toMatch(/ESTABLISHED$/m);
    expect(run.err).toBe("hawser: the peer has ended the connection\n");
  });

  it("Ctrl-C ends it with status 0", async () => {
    const run = hawser("watch", `127.0.0.1:${await serve(echo)}`, "--interval", "20ms");
    await once(run.child.stdout, "data");
    run.child.kill("SIGINT");
    expect(await run.ended()).toBe(0);
    expect(run.err).toBe("");
  });
});

it.skipIf(!hasScript)(`draws over its own lines${skippedWithoutScript}`, async () => {
  const target = `127.0.0.1:${await serve(echo)}`;
  const run = inTerminal(["watch", target, "--count", "3", "--interval", "10ms"]);
  expect(await run.ended()).toBe(0);
  // Three looks of four lines; the second and third begin four lines up.
  expect(run.out.split("\u001b[4A")).toHaveLength(3);
  expect(run.out.match(/round trip/g)).toHaveLength(3);
  expect(run.out).toMatch(/peer's window/);
});
