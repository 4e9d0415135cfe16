// A connection's life under the fuzzer: a byte a step, every callback checked for its order.

import { ok } from "node:assert/strict";
import {
  MemoryOutput,
  type ProtocolHandler,
  ProtocolSettings,
  WebSocketProtocol,
} from "../../../lib/websocket/protocol/index.ts";
import { FRAME_WORDS, hex, LIMITS, type Target } from "./target.ts";

function connection(input: Buffer): void {
  const flags = input[0] ?? 0;
  const output = new MemoryOutput();
  const role = (flags & 1) === 0 ? "client" : "server";
  const timeouts = {
    heartbeatInterval: 50,
    heartbeatTimeout: 20,
    idleTimeout: 200,
    closeTimeout: 100,
  };
  const settings = new ProtocolSettings({
    role,
    limits: LIMITS,
    timeouts,
    stream: (flags & 2) !== 0,
  });
  const seen = { closed: 0, closing: 0, shutdown: 0, abort: 0 };
  let sentClose = false;
  const delivery = () => {
    ok(seen.closed === 0 && seen.closing === 0);
    ok(protocol.reading, "delivered while paused");
  };
  const handler: ProtocolHandler = {
    onMessage: delivery,
    onPart: delivery,
    onPing: delivery,
    onPong: delivery,
    onClosing: () => ok(seen.closed === 0 && ++seen.closing === 1),
    onReading: () => ok(false, "nothing is compressed here"),
    onQueueEmpty: () => ok(false, "nothing waits here"),
    onShutdown: () => ok(seen.closed === 0 && ++seen.shutdown === 1),
    onAbort: () => ok(seen.closed === 0 && ++seen.abort === 1),
    onClosed: (info) => {
      ok(++seen.closed === 1);
      ok(info.code !== 1006 || !info.wasClean);
    },
  };
  const protocol = new WebSocketProtocol(settings, output, handler, null, 0);
  let now = 0;
  let at = 1;
  let inParts = false;
  const check = () => {
    const bytes = output.take();
    ok(!sentClose || bytes.length === 0, "sent after Close");
    sentClose ||= ["closeSent", "closeExchanged"].includes(protocol.state);
    ok(seen.closed === 0 || protocol.state === "ended");
  };
  const steps: (() => void)[] = [
    () => {
      const end = Math.min(input.length, at + 1 + (input[at] ?? 0));
      const chunk = Buffer.from(input.subarray(at + 1, end));
      at = end;
      protocol.receive(chunk, 0, chunk.length, now);
    },
    () => {
      now += input[at++] ?? 0;
      protocol.tick(now);
    },
    () => protocol.pause(),
    () => protocol.resume(now),
    () => protocol.end(now),
    () => protocol.transportClosed(now),
    () => protocol.close(1000 + ((input[at++] ?? 0) & 1), "", now),
    () => {
      if (!inParts) protocol.sendText("text", true, now);
    },
    () => {
      const last = ((input[at++] ?? 0) & 1) !== 0;
      if (protocol.sendPart("part", last, true, now)) inParts = !last;
    },
    () => protocol.ping(),
    () => protocol.fail(1011, "test"),
    () => protocol.flushed(),
  ];
  while (at < input.length) {
    const step = steps[(input[at++] as number) % steps.length];
    step?.();
    check();
  }
  protocol.resume(now);
  protocol.transportClosed(now);
  ok(seen.closed === 1);
}

export const CONNECTION: Target = {
  name: "connection",
  run: connection,
  seeds: [
    hex("0000" + "07" + "810548656c6c6f" + "0601" + "0004" + "880203e8" + "0405"),
    hex("01000b" + "8185000000004865" + "6c6c6f" + "02000789800000000003"),
    hex("000164" + "0114" + "01c8" + "0164"),
  ],
  dictionary: [
    ...FRAME_WORDS,
    ...["00", "0132", "02", "03", "04", "05", "0600", "07", "0800", "0801", "0a"].map(hex),
  ],
};
