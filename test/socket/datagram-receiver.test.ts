// The line of datagrams and errors, and of those who wait for them.

import { describe, expect, test } from "vitest";
import { type Datagram, DatagramReceiver } from "../../lib/socket/datagram-receiver.ts";
import { rejection } from "./support.ts";

function datagram(text: string): Datagram {
  const from = { address: "192.0.2.1", port: 9, family: "IPv4" } as const;
  const about = { localAddress: null, interface: null, ecn: null, timestamp: null } as const;
  return { data: Buffer.from(text), ...from, ...about, truncated: false };
}

function receiver(mark = 1_000): { line: DatagramReceiver; changes: () => number } {
  let count = 0;
  const line = new DatagramReceiver(mark, () => {
    count++;
  });
  return { line, changes: () => count };
}

describe("datagrams", () => {
  test("come out as they went in, errors between them", async () => {
    const { line } = receiver();
    const error = new Error("refused");
    line.push(datagram("1"));
    line.fail(error);
    line.push(datagram(""));
    expect(line.length).toBe(3);
    expect(await line.receive(undefined)).toEqual(datagram("1"));
    expect(await rejection(line.receive(undefined))).toBe(error);
    expect(await line.receive(undefined)).toEqual(datagram(""));
    expect(line.length).toBe(0);
  });

  test("go to who waits, the first first", async () => {
    const { line, changes } = receiver();
    const waiting = [line.receive(undefined), line.receive(undefined), line.receive(undefined)];
    expect(line.isWaiting).toBe(true);
    expect(changes()).toBe(3);
    line.push(datagram("1"));
    line.fail(new Error("second"));
    line.push(datagram("3"));
    expect(line.isWaiting).toBe(false);
    const [first, second, third] = waiting as [Promise<Datagram>, Promise<Datagram>, never];
    expect(await first).toEqual(datagram("1"));
    expect((await rejection(second)).message).toBe("second");
    expect(await third).toEqual(datagram("3"));
  });

  test("fill the line up to the mark, empty ones too", async () => {
    const { line, changes } = receiver(640);
    for (let count = 0; count < 9; count++) line.push(datagram(""));
    expect(line.isFull).toBe(false);
    line.push(datagram(""));
    expect(line.isFull).toBe(true);
    const before = changes();
    for (let count = 0; count < 5; count++) await line.receive(undefined);
    expect(line.isFull).toBe(false);
    expect(changes()).toBe(before + 5);
  });
});

describe("whoever waits", () => {
  test("leaves when the signal is aborted, and the next one gets the datagram", async () => {
    const { line } = receiver();
    const stop = new AbortController();
    const leaving = rejection(line.receive(stop.signal));
    const staying = line.receive(undefined);
    stop.abort("enough");
    expect(await leaving).toBe("enough");
    line.push(datagram("x"));
    expect(await staying).toEqual(datagram("x"));
    expect(await rejection(line.receive(AbortSignal.abort("before")))).toBe("before");
  });

  test("is rejected by cancel, which drops what is here", async () => {
    const { line } = receiver();
    const waiting = rejection(line.receive(undefined));
    const error = new Error("closed");
    line.cancel(error);
    expect(await waiting).toBe(error);
    line.push(datagram("x"));
    line.cancel(error);
    expect(line.length).toBe(0);
  });
});
