// Looking at many connections in one crossing (native/binding/samples_binding.cc).
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { native } from "../../lib/binding/native.ts";
import {
  SAMPLE_BYTES_ACKNOWLEDGED,
  SAMPLE_FIELD_COUNT,
  SAMPLE_PROBES,
  SAMPLE_SEND_BUFFER_BYTES,
  SAMPLE_SEND_WINDOW_BYTES,
  SAMPLE_SINCE_ACKNOWLEDGMENT_MS,
  SAMPLE_SINCE_DATA_RECEIVED_MS,
  SAMPLE_STATE,
  SAMPLE_UNACKNOWLEDGED_SEGMENTS,
  SAMPLE_UNSENT_BYTES,
} from "../../lib/binding/samples.ts";
import { SLOT_STREAM } from "../../lib/binding/types.ts";
import { reactor } from "../../lib/socket/reactor.ts";
import { getTcpInfo } from "../../lib/socket/tcp-info.ts";
import { TCP_INFO_INDEX, type TcpInfo } from "../../lib/socket/tcp-info-table.ts";

const FIELDS: Readonly<Record<number, keyof TcpInfo>> = {
  [SAMPLE_STATE]: "state",
  [SAMPLE_UNACKNOWLEDGED_SEGMENTS]: "unacknowledgedSegments",
  [SAMPLE_UNSENT_BYTES]: "unsentBytes",
  [SAMPLE_SEND_BUFFER_BYTES]: "sendBufferBytes",
  [SAMPLE_PROBES]: "probes",
  [SAMPLE_BYTES_ACKNOWLEDGED]: "bytesAcknowledged",
  [SAMPLE_SEND_WINDOW_BYTES]: "sendWindowBytes",
  [SAMPLE_SINCE_DATA_RECEIVED_MS]: "sinceDataReceivedMs",
  [SAMPLE_SINCE_ACKNOWLEDGMENT_MS]: "sinceAcknowledgmentMs",
};
const TIMES: ReadonlySet<number> = new Set([
  SAMPLE_SINCE_DATA_RECEIVED_MS,
  SAMPLE_SINCE_ACKNOWLEDGMENT_MS,
]);

let near: Socket;
let far: Socket;
const server = createServer();
const adopted: [slot: number, generation: number][] = [];

beforeEach(async () => {
  const { connect } = await import("node:net");
  if (!server.listening) {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  }
  near = connect((server.address() as { port: number }).port, "127.0.0.1");
  [far] = (await once(server, "connection")) as [Socket];
  if (near.connecting) await once(near, "connect");
});

afterEach(() => {
  for (const [slot, generation] of adopted.splice(0)) reactor.close(slot, generation, false);
  near.destroy();
  far.destroy();
  server.close();
});

const descriptorOf = (socket: Socket): number =>
  (socket as unknown as { _handle: { fd: number } })._handle.fd;

function adopt(socket: Socket): [slot: number, generation: number] {
  const name = new Int32Array(2);
  expect(reactor.adopt(descriptorOf(socket), SLOT_STREAM, name)).toBe(0);
  const adoptedName = [name[0] as number, name[1] as number] as [number, number];
  adopted.push(adoptedName);
  return adoptedName;
}

test("many are looked at in one call, each field as TCP_INFO has it", () => {
  const names = new Int32Array([...adopt(near), ...adopt(far)]);
  const samples = new Float64Array(2 * SAMPLE_FIELD_COUNT).fill(-7);
  expect(reactor.sampleTcp(names, 2, samples)).toBe(2);
  [near, far].forEach((socket, index) => {
    const whole = new Float64Array(Object.keys(TCP_INFO_INDEX).length);
    expect(native.getTcpInfo(descriptorOf(socket), whole)).toBe(whole.length);
    for (let field = 0; field < SAMPLE_FIELD_COUNT; field++) {
      const value = samples[index * SAMPLE_FIELD_COUNT + field] as number;
      const known = whole[TCP_INFO_INDEX[FIELDS[field] as keyof TcpInfo]] as number;
      if (TIMES.has(field)) expect(known - value).toBeLessThan(5_000);
      else expect(value, FIELDS[field]).toBe(known);
    }
  });
});

test("a name that is stale says EBADF, and the others are told nevertheless", () => {
  const [slot, generation] = adopt(near);
  const names = new Int32Array([slot, generation + 1, -1, 0, 1 << 30, 1, slot, generation]);
  const samples = new Float64Array(4 * SAMPLE_FIELD_COUNT);
  expect(reactor.sampleTcp(names, 4, samples)).toBe(4);
  for (const index of [0, 1, 2]) {
    expect(samples[index * SAMPLE_FIELD_COUNT]).toBeLessThan(0);
    expect(samples[index * SAMPLE_FIELD_COUNT + 1]).toBeNaN();
  }
  expect(samples[3 * SAMPLE_FIELD_COUNT]).toBeGreaterThan(0);
});

test("only as many as asked for are looked at", () => {
  const samples = new Float64Array(2 * SAMPLE_FIELD_COUNT).fill(-7);
  expect(reactor.sampleTcp(new Int32Array([...adopt(near), 0, 0]), 1, samples)).toBe(1);
  expect([...samples.subarray(SAMPLE_FIELD_COUNT)].every((value) => value === -7)).toBe(true);
  expect(reactor.sampleTcp(new Int32Array(0), 0, new Float64Array(0))).toBe(0);
});

test.each<[string, unknown[]]>([
  ["names that are too few", [new Int32Array(3), 2, new Float64Array(2 * SAMPLE_FIELD_COUNT)]],
  ["samples that are too few", [new Int32Array(4), 2, new Float64Array(SAMPLE_FIELD_COUNT)]],
  ["names of another kind", [new Float64Array(4), 2, new Float64Array(99)]],
  ["samples of another kind", [new Int32Array(4), 2, new Float32Array(99)]],
  ["a negative count", [new Int32Array(4), -1, new Float64Array(99)]],
  ["a count beyond all memory", [new Int32Array(4), 2 ** 31 - 1, new Float64Array(99)]],
  ["nothing", []],
])("%s is EINVAL, and nothing is read or written", (_, values) => {
  const sampleTcp = reactor.sampleTcp as (...values: unknown[]) => number;
  expect(sampleTcp(...values)).toBeLessThan(0);
});

test("B26 bytes that the peer has not acknowledged are counted, sent or not", async () => {
  const [slot, generation] = adopt(near);
  expect(reactor.unacknowledgedBytes(slot, generation)).toBe(0);
  // The peer does not read, so that its window closes.
  far.pause();
  let isTaken = true;
  while (isTaken) {
    isTaken = near.write(Buffer.alloc(65_536));
    await new Promise((resolve) => setImmediate(resolve));
  }
  const unacknowledged = reactor.unacknowledgedBytes(slot, generation);
  expect(unacknowledged).toBeGreaterThan(0);
  expect(getTcpInfo(near).unsentBytes ?? getTcpInfo(near).sendBufferBytes).toBeGreaterThan(0);
  expect(reactor.unacknowledgedBytes(slot, generation + 1)).toBeLessThan(0);
});
