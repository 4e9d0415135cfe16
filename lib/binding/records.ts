// Made by scripts/generate-records.ts from native/reactor/records.def. Do not edit.

// Regions of the shared memory
/** Byte offset of: words of state, one of each. */
export const HEADER_OFFSET = 0;
export const HEADER_CAPACITY = 16;
/** Byte offset of: doubles that only grow. */
export const COUNTERS_OFFSET = 64;
export const COUNTERS_CAPACITY = 32;
/** Byte offset of: what happened in this turn, in order. */
export const COMPLETIONS_OFFSET = 320;
export const COMPLETIONS_CAPACITY = 1024;
/** Byte offset of: a flat address for each completion, where its kind says so; then the local address of each datagram. */
export const ADDRESSES_OFFSET = 49472;
export const ADDRESSES_CAPACITY = 2048;
/** Byte offset of: what is to be sent, chained per slot. */
export const SUBMISSIONS_OFFSET = 98624;
export const SUBMISSIONS_CAPACITY = 4096;
/** Byte offset of: the first submission of each slot that has any. */
export const HEADS_OFFSET = 295232;
export const HEADS_CAPACITY = 2048;
/** Byte offset of: bytes of small sends, copied here at the call. */
export const AREA_OFFSET = 319808;
export const AREA_CAPACITY = 262144;
/** Byte offset of: bytes received in this turn, lent until the call returns. */
export const SLAB_OFFSET = 581952;
export const SLAB_CAPACITY = 524288;
/** Byte offset of: datagrams too long for their share of the slab; offsets go on from the slab's. */
export const LARGE_OFFSET = 1106240;
export const LARGE_CAPACITY = 4194304;
/** Byte offset of: flat addresses of datagrams to be sent, since the last flush. */
export const ROUTES_OFFSET = 5300544;
export const ROUTES_CAPACITY = 8192;
export const MEMORY_BYTES = 5497152;

// Words of the header
/** 1 from before the call into JavaScript until its submissions are flushed */
export const HEADER_IN_TURN = 0;
/** grows with every flush, and goes from the largest to 0: never negative; a submission of an older epoch is gone */
export const HEADER_EPOCH = 1;
/** completions in this turn */
export const HEADER_COMPLETION_COUNT = 2;
/** submissions since the last flush */
export const HEADER_SUBMISSION_COUNT = 3;
/** slots with submissions since the last flush */
export const HEADER_HEAD_COUNT = 4;
/** bytes used in the area since the last flush */
export const HEADER_AREA_USED = 5;
/** bytes at the front of the first receive block that are given away */
export const HEADER_BLOCK_USED = 6;
/** grows with every turn, as Epoch does, so that code can tell loop iterations apart */
export const HEADER_TURNS = 7;

// Counters
/** What the reactor counts; each only grows, but for `openSlots`. */
export interface Counters {
  /** turns of the reactor */
  readonly turns: number;
  /** calls into JavaScript that delivered completions */
  readonly dispatches: number;
  /** calls into JavaScript after a flush that left something to tell */
  readonly settlements: number;
  /** flushes that had submissions */
  readonly flushes: number;
  /** system calls epoll_wait or kevent that asked for events */
  readonly waits: number;
  /** events that they returned */
  readonly events: number;
  /** system calls accept */
  readonly accepts: number;
  /** system calls recv and recvmsg */
  readonly receives: number;
  /** system calls sendmsg */
  readonly sends: number;
  /** system calls that changed what the poller watches */
  readonly pollerChanges: number;
  /** bytes of payload received */
  readonly bytesReceived: number;
  /** bytes of payload that the kernel took */
  readonly bytesSent: number;
  /** completions delivered */
  readonly completions: number;
  /** submissions flushed */
  readonly submissions: number;
  /** sockets open now */
  readonly openSlots: number;
}

/** The counters in the order in which they lie in memory. */
export const COUNTER_NAMES = [
  "turns",
  "dispatches",
  "settlements",
  "flushes",
  "waits",
  "events",
  "accepts",
  "receives",
  "sends",
  "pollerChanges",
  "bytesReceived",
  "bytesSent",
  "completions",
  "submissions",
  "openSlots",
] as const;

// Words of a completion
export const COMPLETION_WORDS = 12;
/** which socket */
export const COMPLETION_SLOT = 0;
/** which use of that slot; an older one is dropped */
export const COMPLETION_GENERATION = 1;
/** a COMPLETION_KIND */
export const COMPLETION_KIND = 2;
/** of the bytes in the slab; for Accepted the new slot */
export const COMPLETION_OFFSET = 3;
/** bytes, or a negative errno; for Accepted the new generation */
export const COMPLETION_LENGTH = 4;
/** index of the peer in Addresses, or -1 */
export const COMPLETION_PEER = 5;
/** index of the local address in Addresses, or -1 */
export const COMPLETION_LOCAL = 6;
/** index of the interface of arrival, or 0 */
export const COMPLETION_INTERFACE = 7;
/** traffic class byte of the datagram, its lowest two bits are ECN; Truncated in bit 8; whether the class is known in bit 9; in bits 10 to 16 how many datagrams of the same socket follow directly; the hop limit in bits 24 to 31, or 0 */
export const COMPLETION_ECN = 8;
/** bytes from one datagram to the next of a coalesced run, or 0; of DatagramError the MTU */
export const COMPLETION_STRIDE = 9;
/** receive time in nanoseconds since 1970, low word */
export const COMPLETION_TIME_LOW = 10;
/** the same, high word */
export const COMPLETION_TIME_HIGH = 11;

// Kinds of completions
/** the connect is over: Length is 0 or -errno */
export const KIND_CONNECTED = 1;
/** a connection came in; Peer says from where */
export const KIND_ACCEPTED = 2;
/** accept answered -errno; the listener is paused until it is resumed */
export const KIND_ACCEPT_FAILED = 3;
/** bytes arrived */
export const KIND_DATA = 4;
/** the peer has finished, nothing follows but writable and a failure; or a listener was closed when it was empty */
export const KIND_END = 5;
/** the first errno, after all data; nothing follows */
export const KIND_FAILED = 6;
/** there is room again after a flush that was blocked */
export const KIND_WRITABLE = 7;
/** one datagram, or a run of them when Stride is not 0 */
export const KIND_DATAGRAM = 8;
/** a paused socket has an error beneath; Length is 0 */
export const KIND_TROUBLE = 9;
/** a socket in readiness mode has something to read */
export const KIND_READABLE = 10;
/** bytes arrived in the receive block whose index is Peer; they can be kept */
export const KIND_BLOCK_DATA = 12;
/** what became of a datagram to Peer: Length is -errno */
export const KIND_DATAGRAM_ERROR = 11;

// Words of a submission
export const SUBMISSION_WORDS = 12;
/** which socket */
export const SUBMISSION_SLOT = 0;
/** which use of that slot; a stale one is dropped */
export const SUBMISSION_GENERATION = 1;
/** an OPERATION */
export const SUBMISSION_OPERATION = 2;
/** of the bytes in the area, the slab or the view */
export const SUBMISSION_OFFSET = 3;
/** bytes */
export const SUBMISSION_LENGTH = 4;
/** index of the next submission of the same slot, or -1 */
export const SUBMISSION_NEXT = 5;
/** index in the array of views, for SendView */
export const SUBMISSION_VIEW = 6;
/** index of the destination in Routes, or -1 on a connected socket */
export const SUBMISSION_PEER = 7;
/** index of the source address in Routes, or -1 */
export const SUBMISSION_LOCAL = 8;
/** index of the interface to send through, or 0 */
export const SUBMISSION_INTERFACE = 9;
/** traffic class byte, or 0 for the socket's own */
export const SUBMISSION_ECN = 10;
/** bytes of one segment of a coalesced send, or 0 */
export const SUBMISSION_STRIDE = 11;

// Operations
/** bytes that were copied into the area */
export const OPERATION_SEND_AREA = 1;
/** bytes that stand in the receive slab: a lent view sent back */
export const OPERATION_SEND_SLAB = 2;
/** bytes that stay in a caller's buffer, in the array of views */
export const OPERATION_SEND_VIEW = 3;
/** FIN after what stands before it */
export const OPERATION_SHUTDOWN = 4;
/** close the descriptor after what stands before it */
export const OPERATION_CLOSE = 5;
/** close with RST; the rest of the chain is not sent, wherever this stands in it */
export const OPERATION_ABORT = 6;
/** nothing but to be told when what stands before it was taken */
export const OPERATION_TELL = 7;
/** a datagram, or segments of Stride bytes, copied into the area */
export const OPERATION_DATAGRAM_AREA = 8;
/** the same, standing in the receive slab */
export const OPERATION_DATAGRAM_SLAB = 9;
/** the same, in the array of views */
export const OPERATION_DATAGRAM_VIEW = 10;

// Words of a head
export const HEAD_WORDS = 3;
/** index of the first submission of the chain */
export const HEAD_FIRST = 0;
/** 0: all was done and nobody asked; 1: all was done, with a view, an operation or a Tell among it, or a datagram that was refused; -EAGAIN: the rest waits for Writable; else -errno */
export const HEAD_STATUS = 1;
/** bytes that the kernel took of this chain */
export const HEAD_TAKEN = 2;
