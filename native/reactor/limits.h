// Every bound of the native core by name. Capacities of shared memory stand in records.def.
#ifndef HAWSER_REACTOR_LIMITS_H_
#define HAWSER_REACTOR_LIMITS_H_

#include <cstddef>
#include <cstdint>

namespace hawser::limits {

// Events fetched from the poller in one turn. The rest come in the next one.
inline constexpr int kEventsPerTurn = 512;

// Bytes read from one stream in one recv. A socket with more waits behind the others.
inline constexpr int32_t kBytesPerReceive = 65536;

// A receive is not started with less room than this in the slab: many short reads cost more than
// one turn.
inline constexpr int32_t kLeastReceiveRoom = 16384;

// Receive blocks used in one turn. What does not fit there goes to the slab.
inline constexpr int32_t kReceiveBlocks = 4;

// Connections accepted from one listener in one turn, so that a storm of them cannot keep the
// established ones waiting.
inline constexpr int kAcceptsPerTurn = 64;

// Datagrams, or coalesced runs of them, read from one socket in one turn: half of the slab, so that
// others have their share.
inline constexpr int kDatagramsPerTurn = 128;

// The share of the slab of one datagram: above the Ethernet MTU. What is longer goes on in Large.
inline constexpr int32_t kSmallDatagramRoom = 2048;

// Entries of error queues that wait to be told, of all sockets together; further ones are dropped.
inline constexpr size_t kPendingErrors = 1024;

// Entries taken from one error queue at a time.
inline constexpr int kErrorsPerDrain = 256;

// Looks at the error queue for the sake of one datagram that the kernel refused. Whoever may send
// errors here faster than they are taken must not keep a flush from ending.
inline constexpr int kDrainsPerSend = 16;

// The largest UDP payload (RFC 768: a 16-bit length, less the header) and then some, so that a cut
// datagram is seen as one.
inline constexpr int32_t kDatagramRoom = 65536;

// Bytes for the path of a Unix socket that sent a datagram, behind the datagram: a whole sun_path
// (unix(7)) and the alignment before it.
inline constexpr int32_t kPeerPathRoom = 128;

// Completions that serving one slot may need at the most: Writable, Data, and one of End or Failed.
inline constexpr int32_t kCompletionsPerServe = 3;

// Parts of one gather write. Linux takes 1,024 (UIO_MAXIOV); longer chains take another call.
inline constexpr int kPartsPerWrite = 64;

// Bytes that one flush gives the kernel for one slot, a few socket buffers. A peer that empties its
// buffer as fast as this one fills it would keep every other socket waiting; and the count of what
// was taken is an int32. The rest follows in the next turn, as after EAGAIN.
inline constexpr int32_t kBytesPerFlush = 16 << 20;

// Datagrams that are asked for at once of a socket on which few come.
inline constexpr int kLeastBatch = 8;

// Errors in a row, without a datagram between them, that one datagram socket may tell before it is
// left alone until its next event. Each is of one datagram sent earlier, and gone when it was read;
// one that stays would never let the loop rest.
inline constexpr int kErrorsPerServe = 8;

}  // namespace hawser::limits

#endif  // HAWSER_REACTOR_LIMITS_H_
