// The protocol core's public face: what the glue between a byte stream and a WebSocket uses.
//
// A connection begins with ServerHandshake or ClientHandshake: receive() takes bytes and says where
// the frames begin, tick() is due at `deadline`. Then a WebSocketProtocol takes over: receive() for
// bytes, end() and transportClosed() for the transport's ends, tick() at nextDeadline(), and the
// handler's onShutdown() and onAbort() say what is to become of the transport.

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
