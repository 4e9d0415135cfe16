// How far the bytes of a failed connection came (lib/net/transfer.ts), by either kernel's count.
import { describe, expect, test } from "vitest";
import { connect, listen } from "../../lib/index.ts";
import {
  acknowledgedBytes,
  errorBytes,
  errorBytesLeft,
  transferReport,
  tryTransferCounts,
} from "../../lib/net/transfer.ts";
import type { TcpInfo } from "../../lib/socket/tcp-info.ts";

const counted = (bytesAcknowledged: number | null) => ({ bytesAcknowledged }) as TcpInfo;

describe("B26 by what was acknowledged (Linux)", () => {
  test.each([
    ["an active open's SYN is not the application's", 1_001, 1_500, true, 1_000],
    ["an accepted one has none", 1_000, 1_500, false, 1_000],
    ["nor is a FIN, which is acknowledged last", 1_502, 1_500, true, 1_500],
    ["before anything is acknowledged", 0, 1_500, true, 0],
  ])("%s", (_, count, handedOver, isActiveOpen, acknowledged) => {
    expect(acknowledgedBytes(counted(count), handedOver, isActiveOpen)).toBe(acknowledged);
    expect(errorBytes(counted(count), handedOver, isActiveOpen)).toEqual({
      handedOver,
      acknowledged,
      unacknowledged: handedOver - acknowledged,
    });
  });

  test.each([
    ["all of it", 2_001, 2_000, 1_500, 1_500],
    ["what is left of the records is left of the data at most", 1_801, 2_000, 1_500, 1_300],
    ["the handshake alone", 301, 2_000, 1_500, 0],
    ["nothing was written yet", 301, 300, 0, 0],
  ])("over records: %s", (_, count, carried, handedOver, acknowledged) => {
    const unacknowledged = handedOver - acknowledged;
    const expected = { handedOver, acknowledged, unacknowledged };
    expect(errorBytes(counted(count), handedOver, true, carried)).toEqual(expected);
    const totals = { durationMs: 1, bytesRead: 2, bytesHandedOver: handedOver };
    const report = transferReport(totals, counted(count), true, carried);
    expect(report).toMatchObject({ ...totals, bytesAcknowledged: acknowledged });
  });

  test("where nobody tells there are no bytes", () => {
    expect(errorBytes(null, 1_500, true)).toBeUndefined();
    expect(errorBytes(counted(null), 1_500, true)).toBeUndefined();
  });
});

describe("what the reports take of TCP_INFO", () => {
  test("is what the whole of it says", async () => {
    await using listener = await listen("tcp://127.0.0.1:0", (connection) => connection.send("x"));
    const connection = await connect(`tcp://127.0.0.1:${listener.port}`);
    await connection.receive();
    const counts = tryTransferCounts(connection.fd);
    expect(connection.info()).toMatchObject(counts as object);
    expect(counts?.segmentsReceived).toBeGreaterThan(0);
    connection.abort();
  });

  test("is nothing where there is no connection", () => {
    expect(tryTransferCounts(-1)).toBeNull();
    expect(tryTransferCounts(0)).toBeNull();
  });
});

describe("B26 by what is left in the send buffer (macOS)", () => {
  test.each([
    [0, 1_500, 1_500],
    [500, 1_500, 1_000],
    [1_501, 1_500, 0],
  ])("%i bytes left of %i", (left, handedOver, acknowledged) => {
    const unacknowledged = handedOver - acknowledged;
    expect(errorBytesLeft(left, handedOver)).toEqual({ handedOver, acknowledged, unacknowledged });
  });

  test("where the kernel refuses there are none", () => {
    expect(errorBytesLeft(-9, 1_500)).toBeUndefined();
  });
});
