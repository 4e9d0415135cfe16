// A crowd notices what its peers do to it, on this host: nothing where all is answered; and a byte
// that is changed or missing, an answer for somebody else, a reset and an end are told.
import { type AddressInfo, createServer, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CrowdBeside } from "./support/crowd-beside.ts";
import { CrowdMembers, type Report } from "./support/crowd-members.ts";

const COUNT = 20;
const EVERY_MS = 100;
let crowd: CrowdMembers;
let close: (() => void) | undefined;

beforeEach(() => {
  crowd = new CrowdMembers();
});

afterEach(async () => {
  await crowd.leave();
  close?.();
});

/** The crowd talks to a server that does this with what comes; its report, once it has noticed. */
async function talkTo(
  answer: (socket: Socket, bytes: Buffer, others: readonly Socket[]) => unknown,
  noticed: (report: Report, port: number) => boolean,
): Promise<{ report: Report; port: number }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    // Those that the test or the crowd resets.
    socket.on("error", () => {});
    socket.on("data", (bytes) => answer(socket, bytes, sockets));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  close = () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  const { port } = server.address() as AddressInfo;
  await expect(crowd.join(`tcp://127.0.0.1:${port}`, {}, COUNT)).resolves.toEqual([]);
  crowd.talk(EVERY_MS);
  for (;;) {
    const report = crowd.report();
    if (noticed(report, port)) return { report, port };
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test("where all is answered, nothing", async () => {
  const { report, port } = await talkTo(
    (socket, bytes) => socket.write(bytes),
    ({ records }, at) => (records[at] ?? 0) >= 10 * COUNT,
  );
  expect(report).toMatchObject({ open: { [port]: COUNT }, problems: [], dead: {} });
  crowd.hush();
  while (crowd.report().unanswered[port] !== 0) await new Promise((done) => setTimeout(done, 20));
});

test("a byte that is changed", async () => {
  const { report } = await talkTo(
    (socket, bytes) => {
      const changed = Buffer.from(bytes);
      changed[changed.length - 1] = (changed[changed.length - 1] as number) ^ 1;
      socket.write(changed);
    },
    ({ problems }) => problems.length > 0,
  );
  expect(report.problems[0]).toMatch(/^member \d+: a record whose checksum is wrong/);
});

test("a byte that is missing", async () => {
  const { report } = await talkTo(
    (socket, bytes) => socket.write(bytes.subarray(1)),
    ({ problems }) => problems.length > 0,
  );
  expect(report.problems[0]).toMatch(/^member \d+: a record of \d+ bytes where record 0 was due/);
});

test("an answer for another connection", async () => {
  const { report } = await talkTo(
    (_socket, bytes, others) => others[0]?.write(bytes),
    ({ problems }) => problems.length > 0,
  );
  expect(report.problems[0]).toMatch(/^member \d+: a record of member \d+ where record 0 was due/);
});

test("a reset and an end", async () => {
  let nextEnds = false;
  const { report, port } = await talkTo(
    (socket) => {
      nextEnds = !nextEnds;
      if (nextEnds) socket.end();
      else socket.resetAndDestroy();
    },
    ({ dead }, at) => (dead[at]?.count ?? 0) === COUNT,
  );
  const { told = {} } = report.dead[port] ?? {};
  expect(Object.keys(told).sort()).toEqual(["ECONNRESET", "end"]);
  expect(report.open[port]).toBe(0);
});

test("beside a connection under test: its account is null where all is well", async () => {
  const beside = await CrowdBeside.start(COUNT);
  await expect(beside.account()).resolves.toBeNull();
  await beside.leave();
  await expect(beside.account()).resolves.toMatch(/"open":\{"\d+":0\}/);
});
