// The protocol core's public face: what the glue between a byte stream and a WebSocket uses.
//
// A server's connection begins with a ServerHandshake, a client's with a ClientHandshake, whose
// `request` is sent first. Both are fed by receive(), which gives the index where the frames begin,
// and tick() is due at `deadline`. With what they agreed on a WebSocketProtocol is made, and the
// rest of that chunk is its first:
//
//   bytes came            protocol.receive(chunk, start, end, now)
//   the peer's FIN        protocol.end(now)
//   the transport is gone protocol.transportClosed(now), always, once; onClosed() follows
//   the clock             protocol.tick(now) at protocol.nextDeadline(); it may change at any call
//   bytes were sent       protocol.flushed()
//   the application       sendText(), sendBinary(), sendPart(), ping(), close(), pause(), resume()
//
// It answers through its FrameOutput (frames to send) and its ProtocolHandler: onShutdown() means
// flush, send FIN, read on to the peer's end, then close; onAbort() means drop the transport now.

export {
  type AcceptedByServer,
  ClientHandshake,
  type ClientHandshakeOptions,
  type ClientHandshakeState,
  type RefusedByServer,
} from "./client-handshake.ts";
export * as closeCodes from "./close-codes.ts";
export { encodeClosePayload, isWireCloseCode } from "./close-codes.ts";
export { resolveTimeouts, type TimeoutSettings } from "./deadlines.ts";
export {
  type DeflateParameters,
  type DeflateSettings,
  resolveDeflate,
} from "./deflate-negotiation.ts";
export { FrameParser } from "./frame-parser.ts";
export type { FrameParserSettings, FrameSink } from "./frame-sink.ts";
export {
  type FrameOutput,
  type FrameWriterSettings,
  frameHeaderBytes,
  writeBinaryFrame,
  writeFrameHeader,
  writeTextFrame,
} from "./frame-writer.ts";
export type { AbortReason, CloseInfo, ProtocolHandler } from "./handler.ts";
export type { Headers, HeadLimits } from "./http-head.ts";
export * as limits from "./limits.ts";
export { type Limits, resolveLimits } from "./limits.ts";
export { MaskSource, type Unmask, unmask } from "./mask.ts";
export { MemoryOutput } from "./memory-output.ts";
export { PreparedMessage, type PrepareOptions } from "./prepared.ts";
export { WebSocketProtocol } from "./protocol.ts";
export { type Refusal, writeRefusal } from "./responses.ts";
export {
  type Accepted,
  type AcceptOptions,
  acceptUpgrade,
  type RequestHead,
  readUpgradeRequest,
  ServerHandshake,
  type ServerHandshakeOptions,
  type ServerHandshakeState,
  type UpgradeRequest,
} from "./server-handshake.ts";
export { type ProtocolOptions, ProtocolSettings } from "./settings.ts";
export { CLOSING_STATES, type ProtocolEvent, type ProtocolState } from "./states.ts";
