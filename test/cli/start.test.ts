// `npm start` as a person runs it: what it prints, and how it ends.

import { spawnSync } from "node:child_process";
import { once } from "node:events";
import net from "node:net";
import { describe, expect, test } from "vitest";
import WS from "ws";
import { hasOpenssl } from "../adapters/certificates.ts";
import { foreignEnvironment, nodeArguments } from "../support/environment.ts";
import { cleanUpAfterEach, cleanUps, Run } from "./support.ts";

const START = new URL("../../dist/start.js", import.meta.url).pathname;
cleanUpAfterEach();

/** A network of its own, without IPv6, and then the command in the arguments. */
const WITHOUT_IPV6 = `ip link set lo up &&
  echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6 && exec env "$@"`;
const env = foreignEnvironment();
const canUnshare = spawnSync("unshare", ["--net", "ip", "link"], { env }).status === 0;

const start = (...args: string[]) => new Run(process.execPath, [START, ...args]);

/** The three addresses, in the order in which they are printed. */
async function addressesOf(run: Run): Promise<[page: string, webSocket: string, tcp: string]> {
  await run.says("out", /Ctrl-C ends it\.\n/);
  return [...run.out.matchAll(/\S+:\/\/\S+/g)].map(([url]) => url) as [string, string, string];
}

async function open(url: string): Promise<WS> {
  const socket = new WS(url, { rejectUnauthorized: false });
  cleanUps.push(() => socket.terminate());
  await once(socket, "open");
  return socket;
}

describe("npm start", () => {
  test("prints its addresses, echoes, prints a line, and on Ctrl-C says 1001 and ends with 0", async () => {
    const run = start("--port", "0");
    const [page, webSocket, tcp] = await addressesOf(run);
    expect(run.out).toMatch(
      /^Page {12}http:\/\/127\.0\.0\.1:\d+\/\nWebSocket echo {2}ws:.*\nTCP echo {8}tcp:.*\nListening on 127\.0\.0\.1/,
    );
    expect(await (await fetch(page)).text()).toContain("<title>hawser");
    const socket = await open(webSocket);
    socket.send("Ahoy!");
    expect(String((await once(socket, "message"))[0])).toBe("Ahoy!");
    const stream = net.connect(Number(new URL(tcp).port), "127.0.0.1");
    cleanUps.push(() => stream.destroy());
    stream.write("raw");
    expect(String((await once(stream, "data"))[0])).toBe("raw");
    await run.says("out", /\n2 connections, \d bytes echoed \(8 in all\), round trip [^\n]+\n/);
    const closed = [once(socket, "close"), once(stream, "close")] as const;
    run.child.kill("SIGINT");
    expect((await closed[0])[0]).toBe(1_001);
    await closed[1];
    expect(await run.ended()).toBe(0);
    expect(run.out).toMatch(/\nClosed\.\n$/);
    expect(run.err).toBe("");
  });

  test("a peer that does not end is aborted, and the status is 0 all the same", async () => {
    const run = start("--port", "0");
    const [, , tcp] = await addressesOf(run);
    const stream = net.connect({
      port: Number(new URL(tcp).port),
      host: "127.0.0.1",
      allowHalfOpen: true,
    });
    stream.on("error", () => {});
    cleanUps.push(() => stream.destroy());
    stream.write("x");
    await once(stream, "data");
    run.child.kill("SIGTERM");
    expect(await run.ended()).toBe(0);
    expect(run.out).toMatch(/\nClosed; aborted: 1\.\n$/);
  });

  test("--help prints what it takes", async () => {
    const run = start("--help");
    expect(await run.ended()).toBe(0);
    expect(run.out).toMatch(/^npm start -- .*--tls/);
  });

  test.each([
    [["--port", "x"], /^hawser: --port takes a number from 0 to 65535: x\n$/],
    [["--prot", "1"], /^hawser: .*--prot/],
    [["--host", "a b"], /^hawser: [^\n]*a b[^\n]*\n$/],
    [["--cert", "c"], /^hawser: --cert and --key are given together\n$/],
  ])("%j is wrong usage: one line, status 2", async (args, said) => {
    const run = start(...args);
    expect(await run.ended()).toBe(2);
    expect(run.err).toMatch(said);
  });

  test("B54: a port that is taken is one line, and status 1", async () => {
    const first = start("--port", "0");
    const [page] = await addressesOf(first);
    const second = start("--port", new URL(page).port, "--tcp-port", "0");
    expect(await second.ended()).toBe(1);
    expect(second.err).toMatch(
      /^hawser: bind EADDRINUSE localhost:\d+: [^\n]*port 0 for any free one\n$/,
    );
  });

  test("--host is resolved, and one that is not known is one line", async () => {
    const run = start("--port", "0", "--host", "no-such-host.invalid");
    expect(await run.ended()).toBe(1);
    expect(run.err).toMatch(/^hawser: .*no-such-host\.invalid[^\n]*\n$/);
  });

  test.skipIf(!canUnshare)(
    `where there is no IPv6, it listens on 127.0.0.1 alone${canUnshare ? "" : " (skipped: no CAP_SYS_ADMIN or iproute2)"}`,
    async () => {
      const node = [...nodeArguments(), process.execPath, START, "--port", "0"];
      const run = new Run("unshare", ["--net", "sh", "-c", WITHOUT_IPV6, "sh", ...node], env);
      await run.says("out", /\nListening on 127\.0\.0\.1\. Ctrl-C ends it\.\n/);
      run.child.kill("SIGINT");
      expect(await run.ended()).toBe(0);
    },
  );

  test.skipIf(!hasOpenssl)(
    `--tls makes a certificate, and ends as without it${hasOpenssl ? "" : " (skipped: no openssl)"}`,
    async () => {
      const run = start("--port", "0", "--tls");
      const [page, webSocket] = await addressesOf(run);
      expect(page).toMatch(/^https:\/\/localhost:\d+\/$/);
      const socket = await open(webSocket);
      const closed = once(socket, "close");
      run.child.kill("SIGINT");
      expect((await closed)[0]).toBe(1_001);
      expect(await run.ended()).toBe(0);
    },
  );
});
