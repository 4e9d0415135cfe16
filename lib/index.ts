// The public interface of the package. No code of its own.

import "./tls/index.ts";

export {
  type ErrorBytes,
  type ErrorContext,
  type ErrorPhase,
  type ErrorReason,
  type ErrorResponse,
  HawserError,
  type HawserErrorInit,
} from "./errors/hawser-error.ts";
export { Connection } from "./net/connection.ts";
export { Listener } from "./net/listener.ts";
export { type LivenessPreset, presets } from "./net/presets.ts";
export { PathMonitor, type PathMonitorOptions } from "./net/paths/monitor.ts";
export type * from "./net/paths/types.ts";
export type * from "./net/types.ts";
export { UdpFlow } from "./net/udp/flow.ts";
export { DatagramGroup, type GroupOptions } from "./net/udp/group.ts";
export { UdpListener } from "./net/udp/listener.ts";
export type * from "./net/udp/types.ts";
export { type Counters, reactor } from "./socket/counters.ts";
export type { DatagramBatch } from "./socket/datagram-batch.ts";
export type { OutgoingDatagram } from "./socket/datagram-many.ts";
export type { Datagram } from "./socket/datagram-receiver.ts";
export type { Ecn } from "./socket/datagram-record.ts";
export { DatagramSocket, type DatagramSocketOptions } from "./socket/datagram-socket.ts";
export type { DescriptorMessage } from "./socket/descriptor-messages.ts";
export type { InheritedDescriptor } from "./socket/inherited.ts";
export { listInterfaces as interfaces } from "./socket/interfaces.ts";
export {
  type AcceptedSocket,
  ListenSocket,
  type ListenSocketOptions,
  type ListenSocketType,
} from "./socket/listen-socket.ts";
export type {
  LingerValue,
  OptionInputs,
  OptionValues,
  PeerCredentials,
  ReadableOption,
  SocketOptionName,
  SocketOptions,
  TcpInfo,
  WritableOption,
} from "./socket/options.ts";
export type { TcpCongestionState, TcpState } from "./socket/option-values.ts";
export {
  type AnySocket,
  getOption,
  getTcpInfo,
  SOCKET_OPTION_NAMES,
  setOption,
} from "./socket/options.ts";
export type { Peer } from "./socket/peers.ts";
export { counters } from "./socket/reactor.ts";
export type { InternetAddress, UnixAddress } from "./socket/socket-address.ts";
export type { SocketBase } from "./socket/socket-base.ts";
export { StreamSocket, type StreamSocketOptions } from "./socket/stream-socket.ts";
export { type TuneKeepAlive, type TuneOptions, tune } from "./socket/tune.ts";
export { type AttachOptions, attach, handleUpgrade } from "./websocket/attach.ts";
export { WebSocketConnection } from "./websocket/connection.ts";
export {
  type AnyConnection,
  type AnyListener,
  connect,
  listen,
  type PlainString,
} from "./websocket/entry.ts";
export { CloseEvent, ErrorEvent } from "./websocket/events.ts";
export { IncomingMessageStream } from "./websocket/incoming-stream.ts";
export { WebSocketListener } from "./websocket/listener.ts";
export { MessageStream } from "./websocket/message-stream.ts";
export type * from "./websocket/types.ts";
export { type EventHandler, WebSocket, type WebSocketInit } from "./websocket/websocket.ts";
export { type WebSocketCloseInfo, WebSocketError } from "./websocket/websocket-error.ts";
export {
  type WebSocketOpenInfo,
  WebSocketStream,
  type WebSocketStreamInit,
} from "./websocket/websocket-stream.ts";
