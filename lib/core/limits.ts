// Every limit and default number of the library, by name, with its unit last.
// Not here: anything that runs. What is fixed by a protocol stands with that protocol.

// -------------------------------------------------------------------------------- queues, bytes

/**
 * Received bytes held for an application that does not read; above it the TCP window closes.
 * Node's streams took 64 KiB as their default in version 22, and one receive buffer of a busy
 * connection fills it about once a turn.
 */
export const RECEIVE_HIGH_WATER_MARK_BYTES = 65_536;

/** Bytes waiting to be sent above which `write` says false and `send` waits; as Node's streams. */
export const SEND_HIGH_WATER_MARK_BYTES = 65_536;

/** The largest mark an option may set: more is a mistake, or belongs in a file. */
export const MAX_HIGH_WATER_MARK_BYTES = 1_073_741_824;

/**
 * One read of the kernel brings at most this many (kBytesPerReceive in native/reactor/limits.h).
 */
export const RECEIVE_CHUNK_BYTES = 65_536;

/**
 * Bytes of one message that `receiveDescriptors` and a datagram socket read at most: more than the
 * largest UDP payload (RFC 768).
 */
export const MAX_MESSAGE_BYTES = 65_536;

/** The largest `min` of `receive`: a length prefix must not reserve unbounded memory. */
export const MAX_RECEIVE_MIN_BYTES = 16_777_216;

/**
 * Up to this size data is copied rather than kept by reference: copying 4 KiB costs less than
 * keeping track of one more buffer.
 */
export const COPY_THRESHOLD_BYTES = 4_096;

/**
 * Chunks of this size or more are received into memory that is given away with them. Smaller ones
 * are copied, since a kept chunk keeps its whole block.
 */
export const MIN_GIVEN_BYTES = 8_192;
/**
 * The blocks behind large owned chunks: four of the largest reads. Making smaller ones costs more
 * than they save.
 */
export const RECEIVE_BLOCK_BYTES = 262_144;
/** Such blocks that wait for data: as many as one turn may use (kReceiveBlocks in limits.h). */
export const MAX_RECEIVE_BLOCKS = 4;
/** With less room than this nothing is received (kLeastReceiveRoom in limits.h). */
export const LEAST_RECEIVE_ROOM_BYTES = 16_384;

/** The blocks behind small owned chunks. Small, since one kept slice keeps its whole block. */
export const OWNED_BLOCK_BYTES = 8_192;

/** What a queued message counts for besides its bytes, so that empty messages are bounded too. */
export const MESSAGE_OVERHEAD_BYTES = 64;

/** Calls of `drain` for one connection in one iteration of the loop; further ones wait for it. */
export const DRAINS_PER_ITERATION_COUNT = 16;

/** Flushes from microtasks in one iteration of the loop, after which `send` waits for the loop. */
export const MICROTASK_FLUSHES_PER_ITERATION = 1_000;

/** Bytes read and dropped after `close()` while the peer's end is awaited; then abort. */
export const LINGER_DRAIN_BYTES = 67_108_864;

// ------------------------------------------------------------------------------------ durations

/** Silence before the first keepalive probe. Shorter than the usual NAT mapping and cloud idle
 * limits (350 s and more), and long enough to cost nothing. */
export const KEEPALIVE_IDLE_MS = 60_000;

export const KEEPALIVE_INTERVAL_MS = 10_000;

export const KEEPALIVE_COUNT = 3;

/** The kernels count keepalive in whole seconds. */
export const MIN_KEEPALIVE_MS = 1_000;

/** MAX_TCP_KEEPIDLE and MAX_TCP_KEEPINTVL of Linux: 32,767 s. */
export const MAX_KEEPALIVE_MS = 32_767_000;

/** MAX_TCP_KEEPCNT of Linux. */
export const MAX_KEEPALIVE_COUNT = 127;

/** How old the list of interfaces may be that tells broadcast addresses from others. */
export const UDP_INTERFACES_FRESH_MS = 1_000;

/** Silence after which a UDP listener forgets a peer: UDP has no end that would say so. */
export const UDP_FLOW_IDLE_TIMEOUT_MS = 60_000;

/** No limit of our own on the establishment, as in node:net. */
export const CONNECT_TIMEOUT_MS = 0;

/** No limit. */
export const IDLE_TIMEOUT_MS = 0;

/** No limit beyond keepalive's. */
export const DROP_TIMEOUT_MS = 0;

/**
 * How long a live peer may keep its window closed while data waits. Long enough for a person who
 * has paused a download or stopped in a debugger, finite because before Linux 6.15 nothing else
 * bounds a peer that dies with its window closed.
 */
export const STALL_TIMEOUT_MS = 600_000;

/** A connection with something pending is looked at ten times within its shortest limit, and at
 * least this often and at most that often: one look at ten thousand takes about 10 ms. */
export const MIN_SAMPLE_INTERVAL_MS = 100;
export const MAX_SAMPLE_INTERVAL_MS = 1_000;

/** TCP_RTO_MAX_MS of Linux takes 1 s to 120 s (tcp(7); include/net/tcp.h). */
export const MIN_RTO_MAX_MS = 1_000;
export const MAX_RTO_MAX_MS = 120_000;

/** `close()`: flush, closing handshake and linger together. */
export const CLOSE_TIMEOUT_MS = 30_000;

/** A TLS handshake that a listener has accepted; a client's is within its `connectTimeout`. */
export const TLS_HANDSHAKE_TIMEOUT_MS = 30_000;

/** Connection Attempt Delay (RFC 8305 section 5, recommended 250 ms). */
export const HAPPY_EYEBALLS_DELAY_MS = 250;

/** Smallest and largest Connection Attempt Delay (RFC 8305 section 5: 100 ms, 2 s). */
export const MIN_HAPPY_EYEBALLS_DELAY_MS = 100;
export const MAX_HAPPY_EYEBALLS_DELAY_MS = 2_000;

/**
 * Changes of the network are looked at together: the first at once, the next at least this much
 * later. Far below the 200 ms within which a connection hears of a loss.
 */
export const PATH_LOOK_EVERY_MS = 20;

/** And so many times later as a look takes, which is long where thousands of connections look. */
export const PATH_LOOK_SHARE = 4;

/** When to look again where the kernel could not be asked. */
export const PATH_LOOK_AGAIN_MS = 1_000;

/**
 * A connection is viable, or is not, when nothing that it stands on has changed for the first, so
 * that what flickers is not told; or when each look has found it so for the second, since other
 * changes cannot always be told from its own.
 */
export const VIABILITY_SETTLE_MS = 50;
export const MAX_VIABILITY_SETTLE_MS = 150;

/** The same of a better path. */
export const BETTER_PATH_SETTLE_MS = 100;
export const MAX_BETTER_PATH_SETTLE_MS = 500;

/** No limit on how long the local address or the link may be away. */
export const VIABILITY_TIMEOUT_MS = 0;

/**
 * A connection that waits tries again when the network has been quiet for the first after a change,
 * or at the latest the second after the first of many.
 */
export const WAITING_SETTLE_MS = 50;
export const MAX_WAITING_SETTLE_MS = 200;

/** Its tries begin at least so far apart, but for `restart()`. */
export const MIN_WAITING_APART_MS = 200;

/**
 * Where nothing changes here it tries after the first, doubling up to the second: the cure may have
 * come to another host.
 */
export const MIN_WAITING_RETRY_MS = 1_000;
export const MAX_WAITING_RETRY_MS = 60_000;

/** How often connections that nobody waits for are looked for, so that dropped ones are found. */
export const DROP_SWEEP_MS = 30_000;

/**
 * Connections whose place of making is noted, in case they are dropped: so many at once, and one
 * more each millisecond. A stack takes longer to note than most of what makes a connection.
 */
export const DROP_ORIGINS_COUNT = 100;

/** How long a listener that is closed with `drain` accepts what comes, however much that is. */
export const DRAIN_LIMIT_MS = 1_000;

/**
 * How long it waits for handshakes that are under way, where others share its port and take the new
 * ones: twice the longest round trip of its connections, within these bounds, and the upper one
 * where it has no connection. No longer, since a share of those who knock meanwhile comes in only a
 * second later (RFC 6298 section 2.1).
 */
export const MIN_DRAIN_HANDSHAKES_MS = 10;
export const MAX_DRAIN_HANDSHAKES_MS = 250;

/** Connections whose round trip is looked at for that. */
export const DRAIN_ROUND_TRIPS_COUNT = 1_000;

/** A listener out of descriptors tries again after the first, doubling up to the second. */
export const MIN_ACCEPT_BACKOFF_MS = 10;
export const MAX_ACCEPT_BACKOFF_MS = 1_000;

/**
 * A datagram that the kernel has no room for is tried again after the first, doubling up to the
 * second: no event tells when an interface's queue, or another socket's, has room again.
 */
export const MIN_DATAGRAM_RETRY_MS = 1;
export const MAX_DATAGRAM_RETRY_MS = 64;

/** Quiet time before a PathMonitor tells a change; under changes without end this times ten. */
export const PATH_DEBOUNCE_MS = 100;
export const MAX_PATH_DEBOUNCE_FACTOR = 10;

/** How long a list of networks rests at most that takes long to make. */
export const MAX_PATH_LIST_PAUSE_MS = 10_000;

/** A list of networks that could not be made is tried again after the first, doubling. */
export const MIN_PATH_RETRY_MS = 50;
export const MAX_PATH_RETRY_MS = 1_000;

/** resolv.conf(5) is read when it has been written to, after so long. */
export const NAME_SERVERS_SETTLE_MS = 20;

// --------------------------------------------------------------------------------------- counts

/** Name servers that are listed; the C library uses three (resolv.conf(5), MAXNS). */
export const MAX_NAME_SERVERS_COUNT = 64;

/** Bytes of resolv.conf(5) that are read. */
export const MAX_RESOLV_CONF_BYTES = 65_536;

/**
 * Datagrams of equal length up to this many bytes go out as segments of one send (UDP_SEGMENT): the
 * payload of an Ethernet frame with IPv4. Larger ones would be refused on most paths, and cut by
 * us.
 */
export const MAX_SEGMENT_BYTES = 1_472;

/**
 * Addresses of peers kept as objects. More are forgotten, the longest unused first, and made anew
 * when they are needed: a flood of spoofed sources costs no more memory than this.
 */
export const MAX_INTERNED_PEERS_COUNT = 65_536;

/** The largest TTL or hop limit: one byte of the header (RFC 791, RFC 8200). */
export const MAX_TTL_COUNT = 255;

/** Flows of one UDP listener at once. */
export const MAX_UDP_FLOWS_COUNT = 65_536;

/** Of so many flows one may be of a peer that was never answered: such come for nothing. */
export const FLOWS_PER_UNANSWERED_COUNT = 4;

/** Group and broadcast addresses by which one UDP flow is found besides its own. */
export const MAX_FLOW_ALIASES_COUNT = 8;

/** Descriptors in one message (SCM_RIGHTS); as kDescriptorsPerMessage in native/socket/calls.h. */
export const MAX_DESCRIPTORS_PER_MESSAGE = 16;

/** Descriptors that a service manager may pass (LISTEN_FDS); far above what one passes. */
export const MAX_INHERITED_DESCRIPTORS = 4_096;

/** Connections that the kernel queues before they are accepted; as in node:net. */
export const BACKLOG = 511;

/** The largest `backlog`: an int of listen(2). The kernel cuts it to its own (somaxconn). */
export const MAX_BACKLOG = 2_147_483_647;

/** Ports tried for `localhost` with port 0 until one is free in both families. */
export const LOCALHOST_PORT_ATTEMPTS_COUNT = 16;

/**
 * Connections that a program that iterates a listener may find waiting; the rest the kernel has.
 */
export const ITERATION_AHEAD_COUNT = 16;

/** Addresses of one name that are tried; the rest of a longer answer is left out. */
export const MAX_CANDIDATES = 64;

// -------------------------------------------------------------------------------------- lengths

/** An endpoint as text. */
export const MAX_ENDPOINT_LENGTH = 8_192;

/** A host name in text form, without the final dot (RFC 1035 section 2.3.4). */
export const MAX_HOST_NAME_LENGTH = 253;

/** One label of a host name (RFC 1035 section 2.3.4). */
export const MAX_LABEL_LENGTH = 63;

/** A zone: an interface's name is at most IFNAMSIZ - 1 = 15 bytes on both systems. */
export const MAX_ZONE_LENGTH = 15;

/** `sun_path` without its final zero (unix(7): 108 bytes; macOS: 104). */
export const MAX_UNIX_PATH_BYTES = Object.freeze({ linux: 107, darwin: 103 });
