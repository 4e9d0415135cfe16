// Made by scripts/generate-options.ts from native/socket/options.def; do not edit.
// The socket options: their names, types, and what the addon calls them.

import type { LingerValue, OptionRow, PeerCredentials } from "./option-values.ts";
import type { TcpInfo } from "./tcp-info-table.ts";

/** What `getOption` gives for each option that can be read, in the kernel's own unit. */
export interface OptionValues {
  /** Whether the socket listens. Linux: socket(7); macOS: getsockopt(2). */
  readonly SO_ACCEPTCONN: boolean;
  /**
   * Name of the interface the socket is bound to, empty for none. Changing it needs CAP_NET_RAW. On
   * macOS only in newer versions. Linux: socket(7); macOS: getsockopt(2).
   */
  readonly SO_BINDTODEVICE: string;
  /**
   * Whether datagrams may be sent to a broadcast address. Linux: socket(7); macOS: getsockopt(2).
   */
  readonly SO_BROADCAST: boolean;
  /**
   * How long a blocking receive polls the device. Raising it needs CAP_NET_ADMIN. Unit:
   * microseconds. Linux: socket(7).
   */
  readonly SO_BUSY_POLL: number;
  /** The address family as its number: AF_UNIX 1, AF_INET 2, AF_INET6 10. Linux: socket(7). */
  readonly SO_DOMAIN: number;
  /**
   * The pending error as a positive errno, or 0. Reading it clears it. Linux: socket(7); macOS:
   * getsockopt(2).
   */
  readonly SO_ERROR: number;
  /**
   * CPU that handles the socket's packets; set on SO_REUSEPORT listeners to choose by it. -1: none.
   * Unit: index. Linux: socket(7).
   */
  readonly SO_INCOMING_CPU: number;
  /**
   * Whether keepalive probes are sent on a silent connection. Linux: socket(7); macOS:
   * getsockopt(2).
   */
  readonly SO_KEEPALIVE: boolean;
  /**
   * How long close(2) waits for unsent data; enabled with 0 seconds, close sends RST. Unit:
   * seconds. Linux: socket(7); macOS: getsockopt(2).
   */
  readonly SO_LINGER: LingerValue;
  /**
   * Mark of each packet sent, for routing and filters. Needs CAP_NET_ADMIN or CAP_NET_RAW. Linux:
   * socket(7).
   */
  readonly SO_MARK: number;
  /** Network service type, NET_SERVICE_TYPE_*: 0 best effort to 8. macOS: getsockopt(2). */
  readonly SO_NET_SERVICE_TYPE: number;
  /**
   * Whether a write to a closed connection raises no SIGPIPE. hawser sets it. macOS: getsockopt(2).
   */
  readonly SO_NOSIGPIPE: boolean;
  /**
   * Bytes waiting to be received; of a datagram socket, those of the first datagram. Unit: bytes.
   * macOS: getsockopt(2).
   */
  readonly SO_NREAD: number;
  /**
   * Bytes in the send buffer that the peer has not acknowledged. Unit: bytes. macOS: getsockopt(2).
   */
  readonly SO_NWRITE: number;
  /** Whether out-of-band data stays in the stream. Linux: socket(7); macOS: getsockopt(2). */
  readonly SO_OOBINLINE: boolean;
  /**
   * Process, user and group at the other end of a Unix socket, as of connect or listen. Linux:
   * socket(7).
   */
  readonly SO_PEERCRED: PeerCredentials;
  /**
   * Queueing priority of each packet sent. More than 6 needs CAP_NET_ADMIN or CAP_NET_RAW. Linux:
   * socket(7).
   */
  readonly SO_PRIORITY: number;
  /** The protocol as its number: IPPROTO_TCP 6, IPPROTO_UDP 17. Linux: socket(7). */
  readonly SO_PROTOCOL: number;
  /**
   * Receive buffer. Linux doubles what is set and reports that; setting it ends automatic tuning.
   * Unit: bytes. Linux: socket(7); macOS: getsockopt(2).
   */
  readonly SO_RCVBUF: number;
  /**
   * Bytes that must have arrived before the socket counts as readable. Unit: bytes. Linux:
   * socket(7); macOS: getsockopt(2).
   */
  readonly SO_RCVLOWAT: number;
  /**
   * Whether bind(2) may take an address in TIME_WAIT; datagrams: an address in use. Linux:
   * socket(7); macOS: getsockopt(2).
   */
  readonly SO_REUSEADDR: boolean;
  /**
   * Whether several sockets may bind to one address. Linux balances between them, macOS does not.
   * Linux: socket(7); macOS: getsockopt(2).
   */
  readonly SO_REUSEPORT: boolean;
  /** Whether each datagram tells how many were dropped so far. Linux: socket(7). */
  readonly SO_RXQ_OVFL: boolean;
  /**
   * Send buffer. Linux doubles what is set and reports that; setting it ends automatic tuning.
   * Unit: bytes. Linux: socket(7); macOS: getsockopt(2).
   */
  readonly SO_SNDBUF: number;
  /** Whether each datagram tells when it arrived, in nanoseconds. Linux: socket(7). */
  readonly SO_TIMESTAMPNS: boolean;
  /**
   * The type as its number: SOCK_STREAM 1, SOCK_DGRAM 2. Linux: socket(7); macOS: getsockopt(2).
   */
  readonly SO_TYPE: number;
  /**
   * User and group at the other end of a Unix socket; its process is LOCAL_PEERPID. macOS: unix(4).
   */
  readonly LOCAL_PEERCRED: PeerCredentials;
  /** Process at the other end of a Unix socket. macOS: unix(4). */
  readonly LOCAL_PEERPID: number;
  /**
   * How long a connection whose peer keeps its window closed may live; 0 sets no limit. Unit:
   * seconds. macOS: tcp(4).
   */
  readonly PERSIST_TIMEOUT: number;
  /** Name of the congestion control algorithm: cubic, reno, bbr. Linux: tcp(7). */
  readonly TCP_CONGESTION: string;
  /** How long connect(2) tries; 0 is the system's default. Unit: seconds. macOS: tcp(4). */
  readonly TCP_CONNECTIONTIMEOUT: number;
  /** What the kernel knows of the connection. macOS: tcp(4). */
  readonly TCP_CONNECTION_INFO: TcpInfo;
  /**
   * Whether partial segments are held back, for up to 200 ms, until it is cleared. Linux: tcp(7).
   */
  readonly TCP_CORK: boolean;
  /**
   * How long a listener waits for a connection's first data; rounded to retransmissions. Unit:
   * seconds. Linux: tcp(7).
   */
  readonly TCP_DEFER_ACCEPT: number;
  /**
   * TCP Fast Open of a listener (RFC 7413). Linux: length of its queue; macOS: 1 for on. Linux:
   * tcp(7); macOS: tcp(4).
   */
  readonly TCP_FASTOPEN: number;
  /**
   * Whether connect(2) waits for the first write, to send it in the SYN (RFC 7413). Linux: tcp(7).
   */
  readonly TCP_FASTOPEN_CONNECT: boolean;
  /** What the kernel knows of the connection. Linux: tcp(7). */
  readonly TCP_INFO: TcpInfo;
  /** Silence before the first keepalive probe. Unit: seconds. macOS: tcp(4). */
  readonly TCP_KEEPALIVE: number;
  /**
   * Keepalive probes without an answer after which the connection fails. Linux: tcp(7); macOS:
   * tcp(4).
   */
  readonly TCP_KEEPCNT: number;
  /** Silence before the first keepalive probe, 1 to 32767. Unit: seconds. Linux: tcp(7). */
  readonly TCP_KEEPIDLE: number;
  /** Time between keepalive probes. Unit: seconds. Linux: tcp(7); macOS: tcp(4). */
  readonly TCP_KEEPINTVL: number;
  /**
   * How long a closed socket may stay in FIN_WAIT_2; -1: not at all. Unit: seconds. Linux: tcp(7).
   */
  readonly TCP_LINGER2: number;
  /**
   * Largest segment. Before connect it bounds what is announced. Unit: bytes. Linux: tcp(7); macOS:
   * tcp(4).
   */
  readonly TCP_MAXSEG: number;
  /**
   * Whether small writes are sent at once (Nagle's algorithm off). Linux: tcp(7); macOS: tcp(4).
   */
  readonly TCP_NODELAY: boolean;
  /** Whether the last partial segment of a write is held back. macOS: tcp(4). */
  readonly TCP_NOPUSH: boolean;
  /**
   * The socket counts as writable only below this many unsent bytes. Unit: bytes. Linux: tcp(7);
   * macOS: tcp(4).
   */
  readonly TCP_NOTSENT_LOWAT: number;
  /**
   * Whether acknowledgements are sent at once. Not permanent: the kernel changes it itself. Linux:
   * tcp(7).
   */
  readonly TCP_QUICKACK: boolean;
  /**
   * Largest retransmission timeout, 1000 to 120000. Linux 6.15. Unit: milliseconds. Linux: tcp(7).
   */
  readonly TCP_RTO_MAX_MS: number;
  /**
   * How long data is retransmitted before the connection is dropped; 0: the default. Unit: seconds.
   * macOS: tcp(4).
   */
  readonly TCP_RXT_CONNDROPTIME: number;
  /** Whether the connection is dropped after three retransmissions of FIN. macOS: tcp(4). */
  readonly TCP_RXT_FINDROP: boolean;
  /** SYN retransmissions before connect(2) fails, 1 to 255. Linux: tcp(7). */
  readonly TCP_SYNCNT: number;
  /**
   * How long sent data may stay unacknowledged (RFC 5482); overrides TCP_KEEPCNT. 0: the default.
   * Unit: milliseconds. Linux: tcp(7).
   */
  readonly TCP_USER_TIMEOUT: number;
  /** Upper bound of the announced window. Unit: bytes. Linux: tcp(7). */
  readonly TCP_WINDOW_CLAMP: number;
  /**
   * Whether datagrams of one sender may be received as one large piece. Linux 5.0. Linux: udp(7).
   */
  readonly UDP_GRO: boolean;
  /**
   * Size of the datagrams a large send is cut into; 0: off. Linux 4.18. Unit: bytes. Linux: udp(7).
   */
  readonly UDP_SEGMENT: number;
  /** Whether bind(2) with port 0 leaves the choice of the port to connect(2). Linux: ip(7). */
  readonly IP_BIND_ADDRESS_NO_PORT: boolean;
  /** Index of the interface the socket is bound to; 0 unbinds. Unit: index. macOS: ip(4). */
  readonly IP_BOUND_IF: number;
  /** Whether datagrams carry the don't-fragment flag. macOS: ip(4). */
  readonly IP_DONTFRAG: boolean;
  /** Whether bind(2) takes an address that this host does not have yet. Linux: ip(7). */
  readonly IP_FREEBIND: boolean;
  /** The known path MTU of a connected socket. Unit: bytes. Linux: ip(7). */
  readonly IP_MTU: number;
  /** Path MTU discovery: 0 don't, 1 want, 2 do, 3 probe, 4 interface, 5 omit. Linux: ip(7). */
  readonly IP_MTU_DISCOVER: number;
  /** Whether datagrams of groups that other sockets have joined arrive too. Linux: ip(7). */
  readonly IP_MULTICAST_ALL: boolean;
  /**
   * Interface of multicast sent: set by its IPv4 address or index, read as an address. Linux:
   * ip(7); macOS: ip(4).
   */
  readonly IP_MULTICAST_IF: string;
  /** Whether multicast sent is delivered on this host too. Linux: ip(7); macOS: ip(4). */
  readonly IP_MULTICAST_LOOP: boolean;
  /**
   * Hops of multicast sent, 0 to 255; -1: the default, 1. Unit: hops. Linux: ip(7); macOS: ip(4).
   */
  readonly IP_MULTICAST_TTL: number;
  /** Whether each datagram tells its local address and interface. Linux: ip(7); macOS: ip(4). */
  readonly IP_PKTINFO: boolean;
  /** Whether ICMP errors are queued with the destination they are about. Linux: ip(7). */
  readonly IP_RECVERR: boolean;
  /** Whether each datagram tells its type of service (DSCP and ECN). Linux: ip(7); macOS: ip(4). */
  readonly IP_RECVTOS: boolean;
  /** Whether each datagram tells its time to live. Linux: ip(7); macOS: ip(4). */
  readonly IP_RECVTTL: boolean;
  /**
   * Type of service of packets sent: DSCP in the upper six bits. TCP keeps ECN's two to itself.
   * Linux: ip(7); macOS: ip(4).
   */
  readonly IP_TOS: number;
  /**
   * Whether foreign addresses may be bound, for proxies. Needs CAP_NET_ADMIN or CAP_NET_RAW. Linux:
   * ip(7).
   */
  readonly IP_TRANSPARENT: boolean;
  /**
   * Time to live of packets sent, 1 to 255; -1: the default. Unit: hops. Linux: ip(7); macOS:
   * ip(4).
   */
  readonly IP_TTL: number;
  /** Index of the interface the socket is bound to; 0 unbinds. Unit: index. macOS: ip6(4). */
  readonly IPV6_BOUND_IF: number;
  /**
   * Whether datagrams larger than the MTU are refused instead of fragmented (RFC 3542). Linux:
   * ipv6(7); macOS: ip6(4).
   */
  readonly IPV6_DONTFRAG: boolean;
  /**
   * Read: the known path MTU of a connected socket. Set: an upper bound, at least 1280. Unit:
   * bytes. Linux: ipv6(7).
   */
  readonly IPV6_MTU: number;
  /** Path MTU discovery: 0 don't, 1 want, 2 do, 3 probe, 4 interface, 5 omit. Linux: ipv6(7). */
  readonly IPV6_MTU_DISCOVER: number;
  /**
   * Whether datagrams of groups that other sockets have joined arrive too. Linux 4.20. Linux:
   * ipv6(7).
   */
  readonly IPV6_MULTICAST_ALL: boolean;
  /**
   * Hops of multicast sent, 0 to 255; -1: the default, 1 (RFC 3493). Unit: hops. Linux: ipv6(7);
   * macOS: ip6(4).
   */
  readonly IPV6_MULTICAST_HOPS: number;
  /**
   * Index of the interface of multicast sent; 0: the route decides (RFC 3493). Unit: index. Linux:
   * ipv6(7); macOS: ip6(4).
   */
  readonly IPV6_MULTICAST_IF: number;
  /**
   * Whether multicast sent is delivered on this host too (RFC 3493). Linux: ipv6(7); macOS: ip6(4).
   */
  readonly IPV6_MULTICAST_LOOP: boolean;
  /** Whether ICMPv6 errors are queued with the destination they are about. Linux: ipv6(7). */
  readonly IPV6_RECVERR: boolean;
  /** Whether each datagram tells its hop limit (RFC 3542). Linux: ipv6(7); macOS: ip6(4). */
  readonly IPV6_RECVHOPLIMIT: boolean;
  /**
   * Whether each datagram tells its local address and interface (RFC 3542). Linux: ipv6(7); macOS:
   * ip6(4).
   */
  readonly IPV6_RECVPKTINFO: boolean;
  /** Whether each datagram tells its traffic class (RFC 3542). Linux: ipv6(7); macOS: ip6(4). */
  readonly IPV6_RECVTCLASS: boolean;
  /**
   * Traffic class of packets sent, 0 to 255; -1: the default (RFC 3542). Linux: ipv6(7); macOS:
   * ip6(4).
   */
  readonly IPV6_TCLASS: number;
  /**
   * Hop limit of packets sent, 0 to 255; -1: the default (RFC 3493). Unit: hops. Linux: ipv6(7);
   * macOS: ip6(4).
   */
  readonly IPV6_UNICAST_HOPS: number;
  /** Whether the socket takes no IPv4; before bind (RFC 3493). Linux: ipv6(7); macOS: ip6(4). */
  readonly IPV6_V6ONLY: boolean;
}

/** What `setOption` takes for each option that can be set, in the kernel's own unit. */
export interface OptionInputs {
  /**
   * Name of the interface the socket is bound to, empty for none. Changing it needs CAP_NET_RAW. On
   * macOS only in newer versions. Linux: socket(7); macOS: getsockopt(2).
   */
  readonly SO_BINDTODEVICE: string;
  /**
   * Whether datagrams may be sent to a broadcast address. Linux: socket(7); macOS: getsockopt(2).
   */
  readonly SO_BROADCAST: boolean | 0 | 1;
  /**
   * How long a blocking receive polls the device. Raising it needs CAP_NET_ADMIN. Unit:
   * microseconds. Linux: socket(7).
   */
  readonly SO_BUSY_POLL: number;
  /**
   * CPU that handles the socket's packets; set on SO_REUSEPORT listeners to choose by it. -1: none.
   * Unit: index. Linux: socket(7).
   */
  readonly SO_INCOMING_CPU: number;
  /**
   * Whether keepalive probes are sent on a silent connection. Linux: socket(7); macOS:
   * getsockopt(2).
   */
  readonly SO_KEEPALIVE: boolean | 0 | 1;
  /**
   * How long close(2) waits for unsent data; enabled with 0 seconds, close sends RST. Unit:
   * seconds. Linux: socket(7); macOS: getsockopt(2).
   */
  readonly SO_LINGER: LingerValue;
  /**
   * Mark of each packet sent, for routing and filters. Needs CAP_NET_ADMIN or CAP_NET_RAW. Linux:
   * socket(7).
   */
  readonly SO_MARK: number;
  /** Network service type, NET_SERVICE_TYPE_*: 0 best effort to 8. macOS: getsockopt(2). */
  readonly SO_NET_SERVICE_TYPE: number;
  /**
   * Whether a write to a closed connection raises no SIGPIPE. hawser sets it. macOS: getsockopt(2).
   */
  readonly SO_NOSIGPIPE: boolean | 0 | 1;
  /** Whether out-of-band data stays in the stream. Linux: socket(7); macOS: getsockopt(2). */
  readonly SO_OOBINLINE: boolean | 0 | 1;
  /**
   * Queueing priority of each packet sent. More than 6 needs CAP_NET_ADMIN or CAP_NET_RAW. Linux:
   * socket(7).
   */
  readonly SO_PRIORITY: number;
  /**
   * Receive buffer. Linux doubles what is set and reports that; setting it ends automatic tuning.
   * Unit: bytes. Linux: socket(7); macOS: getsockopt(2).
   */
  readonly SO_RCVBUF: number;
  /**
   * As SO_RCVBUF, above net.core.rmem_max too. Needs CAP_NET_ADMIN. Unit: bytes. Linux: socket(7).
   */
  readonly SO_RCVBUFFORCE: number;
  /**
   * Bytes that must have arrived before the socket counts as readable. Unit: bytes. Linux:
   * socket(7); macOS: getsockopt(2).
   */
  readonly SO_RCVLOWAT: number;
  /**
   * Whether bind(2) may take an address in TIME_WAIT; datagrams: an address in use. Linux:
   * socket(7); macOS: getsockopt(2).
   */
  readonly SO_REUSEADDR: boolean | 0 | 1;
  /**
   * Whether several sockets may bind to one address. Linux balances between them, macOS does not.
   * Linux: socket(7); macOS: getsockopt(2).
   */
  readonly SO_REUSEPORT: boolean | 0 | 1;
  /** Whether each datagram tells how many were dropped so far. Linux: socket(7). */
  readonly SO_RXQ_OVFL: boolean | 0 | 1;
  /**
   * Send buffer. Linux doubles what is set and reports that; setting it ends automatic tuning.
   * Unit: bytes. Linux: socket(7); macOS: getsockopt(2).
   */
  readonly SO_SNDBUF: number;
  /**
   * As SO_SNDBUF, above net.core.wmem_max too. Needs CAP_NET_ADMIN. Unit: bytes. Linux: socket(7).
   */
  readonly SO_SNDBUFFORCE: number;
  /** Whether each datagram tells when it arrived, in nanoseconds. Linux: socket(7). */
  readonly SO_TIMESTAMPNS: boolean | 0 | 1;
  /**
   * How long a connection whose peer keeps its window closed may live; 0 sets no limit. Unit:
   * seconds. macOS: tcp(4).
   */
  readonly PERSIST_TIMEOUT: number;
  /** Name of the congestion control algorithm: cubic, reno, bbr. Linux: tcp(7). */
  readonly TCP_CONGESTION: string;
  /** How long connect(2) tries; 0 is the system's default. Unit: seconds. macOS: tcp(4). */
  readonly TCP_CONNECTIONTIMEOUT: number;
  /**
   * Whether partial segments are held back, for up to 200 ms, until it is cleared. Linux: tcp(7).
   */
  readonly TCP_CORK: boolean | 0 | 1;
  /**
   * How long a listener waits for a connection's first data; rounded to retransmissions. Unit:
   * seconds. Linux: tcp(7).
   */
  readonly TCP_DEFER_ACCEPT: number;
  /**
   * TCP Fast Open of a listener (RFC 7413). Linux: length of its queue; macOS: 1 for on. Linux:
   * tcp(7); macOS: tcp(4).
   */
  readonly TCP_FASTOPEN: number;
  /**
   * Whether connect(2) waits for the first write, to send it in the SYN (RFC 7413). Linux: tcp(7).
   */
  readonly TCP_FASTOPEN_CONNECT: boolean | 0 | 1;
  /** Silence before the first keepalive probe. Unit: seconds. macOS: tcp(4). */
  readonly TCP_KEEPALIVE: number;
  /**
   * Keepalive probes without an answer after which the connection fails. Linux: tcp(7); macOS:
   * tcp(4).
   */
  readonly TCP_KEEPCNT: number;
  /** Silence before the first keepalive probe, 1 to 32767. Unit: seconds. Linux: tcp(7). */
  readonly TCP_KEEPIDLE: number;
  /** Time between keepalive probes. Unit: seconds. Linux: tcp(7); macOS: tcp(4). */
  readonly TCP_KEEPINTVL: number;
  /**
   * How long a closed socket may stay in FIN_WAIT_2; -1: not at all. Unit: seconds. Linux: tcp(7).
   */
  readonly TCP_LINGER2: number;
  /**
   * Largest segment. Before connect it bounds what is announced. Unit: bytes. Linux: tcp(7); macOS:
   * tcp(4).
   */
  readonly TCP_MAXSEG: number;
  /**
   * Whether small writes are sent at once (Nagle's algorithm off). Linux: tcp(7); macOS: tcp(4).
   */
  readonly TCP_NODELAY: boolean | 0 | 1;
  /** Whether the last partial segment of a write is held back. macOS: tcp(4). */
  readonly TCP_NOPUSH: boolean | 0 | 1;
  /**
   * The socket counts as writable only below this many unsent bytes. Unit: bytes. Linux: tcp(7);
   * macOS: tcp(4).
   */
  readonly TCP_NOTSENT_LOWAT: number;
  /**
   * Whether acknowledgements are sent at once. Not permanent: the kernel changes it itself. Linux:
   * tcp(7).
   */
  readonly TCP_QUICKACK: boolean | 0 | 1;
  /**
   * Largest retransmission timeout, 1000 to 120000. Linux 6.15. Unit: milliseconds. Linux: tcp(7).
   */
  readonly TCP_RTO_MAX_MS: number;
  /**
   * How long data is retransmitted before the connection is dropped; 0: the default. Unit: seconds.
   * macOS: tcp(4).
   */
  readonly TCP_RXT_CONNDROPTIME: number;
  /** Whether the connection is dropped after three retransmissions of FIN. macOS: tcp(4). */
  readonly TCP_RXT_FINDROP: boolean | 0 | 1;
  /** SYN retransmissions before connect(2) fails, 1 to 255. Linux: tcp(7). */
  readonly TCP_SYNCNT: number;
  /**
   * How long sent data may stay unacknowledged (RFC 5482); overrides TCP_KEEPCNT. 0: the default.
   * Unit: milliseconds. Linux: tcp(7).
   */
  readonly TCP_USER_TIMEOUT: number;
  /** Upper bound of the announced window. Unit: bytes. Linux: tcp(7). */
  readonly TCP_WINDOW_CLAMP: number;
  /**
   * Whether datagrams of one sender may be received as one large piece. Linux 5.0. Linux: udp(7).
   */
  readonly UDP_GRO: boolean | 0 | 1;
  /**
   * Size of the datagrams a large send is cut into; 0: off. Linux 4.18. Unit: bytes. Linux: udp(7).
   */
  readonly UDP_SEGMENT: number;
  /** Whether bind(2) with port 0 leaves the choice of the port to connect(2). Linux: ip(7). */
  readonly IP_BIND_ADDRESS_NO_PORT: boolean | 0 | 1;
  /** Index of the interface the socket is bound to; 0 unbinds. Unit: index. macOS: ip(4). */
  readonly IP_BOUND_IF: number;
  /** Whether datagrams carry the don't-fragment flag. macOS: ip(4). */
  readonly IP_DONTFRAG: boolean | 0 | 1;
  /** Whether bind(2) takes an address that this host does not have yet. Linux: ip(7). */
  readonly IP_FREEBIND: boolean | 0 | 1;
  /** Path MTU discovery: 0 don't, 1 want, 2 do, 3 probe, 4 interface, 5 omit. Linux: ip(7). */
  readonly IP_MTU_DISCOVER: number;
  /** Whether datagrams of groups that other sockets have joined arrive too. Linux: ip(7). */
  readonly IP_MULTICAST_ALL: boolean | 0 | 1;
  /**
   * Interface of multicast sent: set by its IPv4 address or index, read as an address. Linux:
   * ip(7); macOS: ip(4).
   */
  readonly IP_MULTICAST_IF: string | number;
  /** Whether multicast sent is delivered on this host too. Linux: ip(7); macOS: ip(4). */
  readonly IP_MULTICAST_LOOP: boolean | 0 | 1;
  /**
   * Hops of multicast sent, 0 to 255; -1: the default, 1. Unit: hops. Linux: ip(7); macOS: ip(4).
   */
  readonly IP_MULTICAST_TTL: number;
  /** Whether each datagram tells its local address and interface. Linux: ip(7); macOS: ip(4). */
  readonly IP_PKTINFO: boolean | 0 | 1;
  /** Whether ICMP errors are queued with the destination they are about. Linux: ip(7). */
  readonly IP_RECVERR: boolean | 0 | 1;
  /** Whether each datagram tells its type of service (DSCP and ECN). Linux: ip(7); macOS: ip(4). */
  readonly IP_RECVTOS: boolean | 0 | 1;
  /** Whether each datagram tells its time to live. Linux: ip(7); macOS: ip(4). */
  readonly IP_RECVTTL: boolean | 0 | 1;
  /**
   * Type of service of packets sent: DSCP in the upper six bits. TCP keeps ECN's two to itself.
   * Linux: ip(7); macOS: ip(4).
   */
  readonly IP_TOS: number;
  /**
   * Whether foreign addresses may be bound, for proxies. Needs CAP_NET_ADMIN or CAP_NET_RAW. Linux:
   * ip(7).
   */
  readonly IP_TRANSPARENT: boolean | 0 | 1;
  /**
   * Time to live of packets sent, 1 to 255; -1: the default. Unit: hops. Linux: ip(7); macOS:
   * ip(4).
   */
  readonly IP_TTL: number;
  /** Index of the interface the socket is bound to; 0 unbinds. Unit: index. macOS: ip6(4). */
  readonly IPV6_BOUND_IF: number;
  /**
   * Whether datagrams larger than the MTU are refused instead of fragmented (RFC 3542). Linux:
   * ipv6(7); macOS: ip6(4).
   */
  readonly IPV6_DONTFRAG: boolean | 0 | 1;
  /**
   * Read: the known path MTU of a connected socket. Set: an upper bound, at least 1280. Unit:
   * bytes. Linux: ipv6(7).
   */
  readonly IPV6_MTU: number;
  /** Path MTU discovery: 0 don't, 1 want, 2 do, 3 probe, 4 interface, 5 omit. Linux: ipv6(7). */
  readonly IPV6_MTU_DISCOVER: number;
  /**
   * Whether datagrams of groups that other sockets have joined arrive too. Linux 4.20. Linux:
   * ipv6(7).
   */
  readonly IPV6_MULTICAST_ALL: boolean | 0 | 1;
  /**
   * Hops of multicast sent, 0 to 255; -1: the default, 1 (RFC 3493). Unit: hops. Linux: ipv6(7);
   * macOS: ip6(4).
   */
  readonly IPV6_MULTICAST_HOPS: number;
  /**
   * Index of the interface of multicast sent; 0: the route decides (RFC 3493). Unit: index. Linux:
   * ipv6(7); macOS: ip6(4).
   */
  readonly IPV6_MULTICAST_IF: number;
  /**
   * Whether multicast sent is delivered on this host too (RFC 3493). Linux: ipv6(7); macOS: ip6(4).
   */
  readonly IPV6_MULTICAST_LOOP: boolean | 0 | 1;
  /** Whether ICMPv6 errors are queued with the destination they are about. Linux: ipv6(7). */
  readonly IPV6_RECVERR: boolean | 0 | 1;
  /** Whether each datagram tells its hop limit (RFC 3542). Linux: ipv6(7); macOS: ip6(4). */
  readonly IPV6_RECVHOPLIMIT: boolean | 0 | 1;
  /**
   * Whether each datagram tells its local address and interface (RFC 3542). Linux: ipv6(7); macOS:
   * ip6(4).
   */
  readonly IPV6_RECVPKTINFO: boolean | 0 | 1;
  /** Whether each datagram tells its traffic class (RFC 3542). Linux: ipv6(7); macOS: ip6(4). */
  readonly IPV6_RECVTCLASS: boolean | 0 | 1;
  /**
   * Traffic class of packets sent, 0 to 255; -1: the default (RFC 3542). Linux: ipv6(7); macOS:
   * ip6(4).
   */
  readonly IPV6_TCLASS: number;
  /**
   * Hop limit of packets sent, 0 to 255; -1: the default (RFC 3493). Unit: hops. Linux: ipv6(7);
   * macOS: ip6(4).
   */
  readonly IPV6_UNICAST_HOPS: number;
  /** Whether the socket takes no IPv4; before bind (RFC 3493). Linux: ipv6(7); macOS: ip6(4). */
  readonly IPV6_V6ONLY: boolean | 0 | 1;
}

/** Every option. `index` is the addon's; a value's unit is the kernel's own. */
export const OPTIONS = {
  SO_ACCEPTCONN: {
    index: 0,
    kind: "boolean",
    unit: "",
    access: "read-only",
    systems: ["linux", "darwin"],
    counterpart: "",
  },
  SO_BINDTODEVICE: {
    index: 1,
    kind: "text",
    unit: "",
    access: "read-write",
    systems: ["linux", "darwin"],
    counterpart: "IP_BOUND_IF",
  },
  SO_BROADCAST: {
    index: 2,
    kind: "boolean",
    unit: "",
    access: "read-write",
    systems: ["linux", "darwin"],
    counterpart: "",
  },
  SO_BUSY_POLL: {
    index: 3,
    kind: "integer",
    unit: "microseconds",
    access: "read-write",
    systems: ["linux"],
    counterpart: "",
  },
  SO_DOMAIN: {
    index: 4,
    kind: "integer",
    unit: "",
    access: "read-only",
    systems: ["linux"],
    counterpart: "",
  },
  SO_ERROR: {
    index: 5,
    kind: "integer",
    unit: "",
    access: "read-only",
    systems: ["linux", "darwin"],
    counterpart: "",
  },
  SO_INCOMING_CPU: {
    index: 6,
    kind: "integer",
    unit: "index",
    access: "read-write",
    systems: ["linux"],
    counterpart: "",
  },
  SO_KEEPALIVE: {
    index: 7,
    kind: "boolean",
    unit: "",
    access: "read-write",
    systems: ["linux", "darwin"],
    counterpart: "",
  },
  SO_LINGER: {
    index: 8,
    kind: "linger",
    unit: "seconds",
    access: "read-write",
    systems: ["linux", "darwin"],
    counterpart: "",
  },
  SO_MARK: {
    index: 9,
    kind: "unsigned",
    unit: "",
    access: "read-write",
    systems: ["linux"],
    counterpart: "",
  },
  SO_NET_SERVICE_TYPE: {
    index: 10,
    kind: "integer",
    unit: "",
    access: "read-write",
    systems: ["darwin"],
    counterpart: "SO_PRIORITY",
  },
  SO_NOSIGPIPE: {
    index: 11,
    kind: "boolean",
    unit: "",
    access: "read-write",
    systems: ["darwin"],
    counterpart: "",
  },
  SO_NREAD: {
    index: 12,
    kind: "integer",
    unit: "bytes",
    access: "read-only",
    systems: ["darwin"],
    counterpart: "",
  },
  SO_NWRITE: {
    index: 13,
    kind: "integer",
    unit: "bytes",
    access: "read-only",
    systems: ["darwin"],
    counterpart: "",
  },
  SO_OOBINLINE: {
    index: 14,
    kind: "boolean",
    unit: "",
    access: "read-write",
    systems: ["linux", "darwin"],
    counterpart: "",
  },
  SO_PEERCRED: {
    index: 15,
    kind: "credentials",
    unit: "",
    access: "read-only",
    systems: ["linux"],
    counterpart: "LOCAL_PEERCRED",
  },
  SO_PRIORITY: {
    index: 16,
    kind: "integer",
    unit: "",
    access: "read-write",
    systems: ["linux"],
    counterpart: "SO_NET_SERVICE_TYPE",
  },
  SO_PROTOCOL: {
    index: 17,
    kind: "integer",
    unit: "",
    access: "read-only",
    systems: ["linux"],
    counterpart: "",
  },
  SO_RCVBUF: {
    index: 18,
    kind: "integer",
    unit: "bytes",
    access: "read-write",
    systems: ["linux", "darwin"],
    counterpart: "",
  },
  SO_RCVBUFFORCE: {
    index: 19,
    kind: "integer",
    unit: "bytes",
    access: "write-only",
    systems: ["linux"],
    counterpart: "SO_RCVBUF",
  },
  SO_RCVLOWAT: {
    index: 20,
    kind: "integer",
    unit: "bytes",
    access: "read-write",
    systems: ["linux", "darwin"],
    counterpart: "",
  },
  SO_REUSEADDR: {
    index: 21,
    kind: "boolean",
    unit: "",
    access: "read-write",
    systems: ["linux", "darwin"],
    counterpart: "",
  },
  SO_REUSEPORT: {
    index: 22,
    kind: "boolean",
    unit: "",
    access: "read-write",
    systems: ["linux", "darwin"],
    counterpart: "",
  },
  SO_RXQ_OVFL: {
    index: 23,
    kind: "boolean",
    unit: "",
    access: "read-write",
    systems: ["linux"],
    counterpart: "",
  },
  SO_SNDBUF: {
    index: 24,
    kind: "integer",
    unit: "bytes",
    access: "read-write",
    systems: ["linux", "darwin"],
    counterpart: "",
  },
  SO_SNDBUFFORCE: {
    index: 25,
    kind: "integer",
    unit: "bytes",
    access: "write-only",
    systems: ["linux"],
    counterpart: "SO_SNDBUF",
  },
  SO_TIMESTAMPNS: {
    index: 26,
    kind: "boolean",
    unit: "",
    access: "read-write",
    systems: ["linux"],
    counterpart: "",
  },
  SO_TYPE: {
    index: 27,
    kind: "integer",
    unit: "",
    access: "read-only",
    systems: ["linux", "darwin"],
    counterpart: "",
  },
  LOCAL_PEERCRED: {
    index: 28,
    kind: "credentials",
    unit: "",
    access: "read-only",
    systems: ["darwin"],
    counterpart: "SO_PEERCRED",
  },
  LOCAL_PEERPID: {
    index: 29,
    kind: "integer",
    unit: "",
    access: "read-only",
    systems: ["darwin"],
    counterpart: "SO_PEERCRED",
  },
  PERSIST_TIMEOUT: {
    index: 30,
    kind: "integer",
    unit: "seconds",
    access: "read-write",
    systems: ["darwin"],
    counterpart: "",
  },
  TCP_CONGESTION: {
    index: 31,
    kind: "text",
    unit: "",
    access: "read-write",
    systems: ["linux"],
    counterpart: "",
  },
  TCP_CONNECTIONTIMEOUT: {
    index: 32,
    kind: "integer",
    unit: "seconds",
    access: "read-write",
    systems: ["darwin"],
    counterpart: "TCP_SYNCNT",
  },
  TCP_CONNECTION_INFO: {
    index: 33,
    kind: "structure",
    unit: "",
    access: "read-only",
    systems: ["darwin"],
    counterpart: "TCP_INFO",
  },
  TCP_CORK: {
    index: 34,
    kind: "boolean",
    unit: "",
    access: "read-write",
    systems: ["linux"],
    counterpart: "TCP_NOPUSH",
  },
  TCP_DEFER_ACCEPT: {
    index: 35,
    kind: "integer",
    unit: "seconds",
    access: "read-write",
    systems: ["linux"],
    counterpart: "",
  },
  TCP_FASTOPEN: {
    index: 36,
    kind: "integer",
    unit: "",
    access: "read-write",
    systems: ["linux", "darwin"],
    counterpart: "",
  },
  TCP_FASTOPEN_CONNECT: {
    index: 37,
    kind: "boolean",
    unit: "",
    access: "read-write",
    systems: ["linux"],
    counterpart: "",
  },
  TCP_INFO: {
    index: 38,
    kind: "structure",
    unit: "",
    access: "read-only",
    systems: ["linux"],
    counterpart: "TCP_CONNECTION_INFO",
  },
  TCP_KEEPALIVE: {
    index: 39,
    kind: "integer",
    unit: "seconds",
    access: "read-write",
    systems: ["darwin"],
    counterpart: "TCP_KEEPIDLE",
  },
  TCP_KEEPCNT: {
    index: 40,
    kind: "integer",
    unit: "",
    access: "read-write",
    systems: ["linux", "darwin"],
    counterpart: "",
  },
  TCP_KEEPIDLE: {
    index: 41,
    kind: "integer",
    unit: "seconds",
    access: "read-write",
    systems: ["linux"],
    counterpart: "TCP_KEEPALIVE",
  },
  TCP_KEEPINTVL: {
    index: 42,
    kind: "integer",
    unit: "seconds",
    access: "read-write",
    systems: ["linux", "darwin"],
    counterpart: "",
  },
  TCP_LINGER2: {
    index: 43,
    kind: "integer",
    unit: "seconds",
    access: "read-write",
    systems: ["linux"],
    counterpart: "",
  },
  TCP_MAXSEG: {
    index: 44,
    kind: "integer",
    unit: "bytes",
    access: "read-write",
    systems: ["linux", "darwin"],
    counterpart: "",
  },
  TCP_NODELAY: {
    index: 45,
    kind: "boolean",
    unit: "",
    access: "read-write",
    systems: ["linux", "darwin"],
    counterpart: "",
  },
  TCP_NOPUSH: {
    index: 46,
    kind: "boolean",
    unit: "",
    access: "read-write",
    systems: ["darwin"],
    counterpart: "TCP_CORK",
  },
  TCP_NOTSENT_LOWAT: {
    index: 47,
    kind: "unsigned",
    unit: "bytes",
    access: "read-write",
    systems: ["linux", "darwin"],
    counterpart: "",
  },
  TCP_QUICKACK: {
    index: 48,
    kind: "boolean",
    unit: "",
    access: "read-write",
    systems: ["linux"],
    counterpart: "",
  },
  TCP_RTO_MAX_MS: {
    index: 49,
    kind: "integer",
    unit: "milliseconds",
    access: "read-write",
    systems: ["linux"],
    counterpart: "",
  },
  TCP_RXT_CONNDROPTIME: {
    index: 50,
    kind: "integer",
    unit: "seconds",
    access: "read-write",
    systems: ["darwin"],
    counterpart: "TCP_USER_TIMEOUT",
  },
  TCP_RXT_FINDROP: {
    index: 51,
    kind: "boolean",
    unit: "",
    access: "read-write",
    systems: ["darwin"],
    counterpart: "",
  },
  TCP_SYNCNT: {
    index: 52,
    kind: "integer",
    unit: "",
    access: "read-write",
    systems: ["linux"],
    counterpart: "TCP_CONNECTIONTIMEOUT",
  },
  TCP_USER_TIMEOUT: {
    index: 53,
    kind: "integer",
    unit: "milliseconds",
    access: "read-write",
    systems: ["linux"],
    counterpart: "TCP_RXT_CONNDROPTIME",
  },
  TCP_WINDOW_CLAMP: {
    index: 54,
    kind: "integer",
    unit: "bytes",
    access: "read-write",
    systems: ["linux"],
    counterpart: "",
  },
  UDP_GRO: {
    index: 55,
    kind: "boolean",
    unit: "",
    access: "read-write",
    systems: ["linux"],
    counterpart: "",
  },
  UDP_SEGMENT: {
    index: 56,
    kind: "integer",
    unit: "bytes",
    access: "read-write",
    systems: ["linux"],
    counterpart: "",
  },
  IP_BIND_ADDRESS_NO_PORT: {
    index: 57,
    kind: "boolean",
    unit: "",
    access: "read-write",
    systems: ["linux"],
    counterpart: "",
  },
  IP_BOUND_IF: {
    index: 58,
    kind: "unsigned",
    unit: "index",
    access: "read-write",
    systems: ["darwin"],
    counterpart: "SO_BINDTODEVICE",
  },
  IP_DONTFRAG: {
    index: 59,
    kind: "boolean",
    unit: "",
    access: "read-write",
    systems: ["darwin"],
    counterpart: "IP_MTU_DISCOVER",
  },
  IP_FREEBIND: {
    index: 60,
    kind: "boolean",
    unit: "",
    access: "read-write",
    systems: ["linux"],
    counterpart: "",
  },
  IP_MTU: {
    index: 61,
    kind: "integer",
    unit: "bytes",
    access: "read-only",
    systems: ["linux"],
    counterpart: "",
  },
  IP_MTU_DISCOVER: {
    index: 62,
    kind: "integer",
    unit: "",
    access: "read-write",
    systems: ["linux"],
    counterpart: "IP_DONTFRAG",
  },
  IP_MULTICAST_ALL: {
    index: 63,
    kind: "boolean",
    unit: "",
    access: "read-write",
    systems: ["linux"],
    counterpart: "",
  },
  IP_MULTICAST_IF: {
    index: 64,
    kind: "interfaceAddress",
    unit: "",
    access: "read-write",
    systems: ["linux", "darwin"],
    counterpart: "",
  },
  IP_MULTICAST_LOOP: {
    index: 65,
    kind: "boolean",
    unit: "",
    access: "read-write",
    systems: ["linux", "darwin"],
    counterpart: "",
  },
  IP_MULTICAST_TTL: {
    index: 66,
    kind: "integer",
    unit: "hops",
    access: "read-write",
    systems: ["linux", "darwin"],
    counterpart: "",
  },
  IP_PKTINFO: {
    index: 67,
    kind: "boolean",
    unit: "",
    access: "read-write",
    systems: ["linux", "darwin"],
    counterpart: "",
  },
  IP_RECVERR: {
    index: 68,
    kind: "boolean",
    unit: "",
    access: "read-write",
    systems: ["linux"],
    counterpart: "",
  },
  IP_RECVTOS: {
    index: 69,
    kind: "boolean",
    unit: "",
    access: "read-write",
    systems: ["linux", "darwin"],
    counterpart: "",
  },
  IP_RECVTTL: {
    index: 70,
    kind: "boolean",
    unit: "",
    access: "read-write",
    systems: ["linux", "darwin"],
    counterpart: "",
  },
  IP_TOS: {
    index: 71,
    kind: "integer",
    unit: "",
    access: "read-write",
    systems: ["linux", "darwin"],
    counterpart: "",
  },
  IP_TRANSPARENT: {
    index: 72,
    kind: "boolean",
    unit: "",
    access: "read-write",
    systems: ["linux"],
    counterpart: "",
  },
  IP_TTL: {
    index: 73,
    kind: "integer",
    unit: "hops",
    access: "read-write",
    systems: ["linux", "darwin"],
    counterpart: "",
  },
  IPV6_BOUND_IF: {
    index: 74,
    kind: "unsigned",
    unit: "index",
    access: "read-write",
    systems: ["darwin"],
    counterpart: "SO_BINDTODEVICE",
  },
  IPV6_DONTFRAG: {
    index: 75,
    kind: "boolean",
    unit: "",
    access: "read-write",
    systems: ["linux", "darwin"],
    counterpart: "",
  },
  IPV6_MTU: {
    index: 76,
    kind: "integer",
    unit: "bytes",
    access: "read-write",
    systems: ["linux"],
    counterpart: "",
  },
  IPV6_MTU_DISCOVER: {
    index: 77,
    kind: "integer",
    unit: "",
    access: "read-write",
    systems: ["linux"],
    counterpart: "IPV6_DONTFRAG",
  },
  IPV6_MULTICAST_ALL: {
    index: 78,
    kind: "boolean",
    unit: "",
    access: "read-write",
    systems: ["linux"],
    counterpart: "",
  },
  IPV6_MULTICAST_HOPS: {
    index: 79,
    kind: "integer",
    unit: "hops",
    access: "read-write",
    systems: ["linux", "darwin"],
    counterpart: "",
  },
  IPV6_MULTICAST_IF: {
    index: 80,
    kind: "unsigned",
    unit: "index",
    access: "read-write",
    systems: ["linux", "darwin"],
    counterpart: "",
  },
  IPV6_MULTICAST_LOOP: {
    index: 81,
    kind: "boolean",
    unit: "",
    access: "read-write",
    systems: ["linux", "darwin"],
    counterpart: "",
  },
  IPV6_RECVERR: {
    index: 82,
    kind: "boolean",
    unit: "",
    access: "read-write",
    systems: ["linux"],
    counterpart: "",
  },
  IPV6_RECVHOPLIMIT: {
    index: 83,
    kind: "boolean",
    unit: "",
    access: "read-write",
    systems: ["linux", "darwin"],
    counterpart: "",
  },
  IPV6_RECVPKTINFO: {
    index: 84,
    kind: "boolean",
    unit: "",
    access: "read-write",
    systems: ["linux", "darwin"],
    counterpart: "",
  },
  IPV6_RECVTCLASS: {
    index: 85,
    kind: "boolean",
    unit: "",
    access: "read-write",
    systems: ["linux", "darwin"],
    counterpart: "",
  },
  IPV6_TCLASS: {
    index: 86,
    kind: "integer",
    unit: "",
    access: "read-write",
    systems: ["linux", "darwin"],
    counterpart: "",
  },
  IPV6_UNICAST_HOPS: {
    index: 87,
    kind: "integer",
    unit: "hops",
    access: "read-write",
    systems: ["linux", "darwin"],
    counterpart: "",
  },
  IPV6_V6ONLY: {
    index: 88,
    kind: "boolean",
    unit: "",
    access: "read-write",
    systems: ["linux", "darwin"],
    counterpart: "",
  },
} as const satisfies Readonly<Record<string, OptionRow>>;
