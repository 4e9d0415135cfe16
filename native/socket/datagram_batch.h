// Many datagrams in one system call: recvmmsg(2) and sendmmsg(2) where the system has them, else
// one recvmsg(2) or sendmsg(2) after the other behind the same interface. With each datagram come
// and go its control messages: addresses, interface, traffic class, hop limit, time, segment size
// (udp(7), ip(7), ipv6(7)). The error queue is read here too. No memory for payloads lives here,
// and no policy.
#ifndef HAWSER_SOCKET_DATAGRAM_BATCH_H_
#define HAWSER_SOCKET_DATAGRAM_BATCH_H_

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>

#include "socket/address.h"
#include "socket/control_message.h"
#include "socket/system_calls.h"

namespace hawser {

// Messages of one system call.
inline constexpr int kDatagramsPerBatch = 64;

// Segments of one coalesced send: UDP_MAX_SEGMENTS of kernels before 6.9 (udp(7)).
inline constexpr int kSegmentsPerMessage = 64;

// Bytes of one coalesced send: below the largest UDP payload (RFC 768) with any IP header.
inline constexpr int32_t kBytesPerMessage = 65000;

// What the control messages of one datagram said. Ports of addresses here are 0.
struct DatagramDetails {
  FlatAddress local{};          // destination of the datagram; family kNone: not told
  int32_t interface_index = 0;  // of arrival; 0: not told
  int32_t traffic_class = -1;   // -1: not told
  int32_t hop_limit = 0;        // 0: not told
  int32_t stride = 0;           // bytes from one datagram to the next of a coalesced run; 0: one
  int64_t time_ns = 0;          // receive time since 1970; 0: not told
  uint32_t drops = 0;           // datagrams that the socket has lost so far (SO_RXQ_OVFL)
  bool has_drops = false;
};

// Details from the control messages of a received message.
DatagramDetails ReadDetails(const msghdr& message);

class ReceiveBatch {
 public:
  // Where the datagram at `index` is stored: one part after the other. Before each Receive.
  void Place(int index, iovec first, iovec second);

  // recvmmsg(2) of at most `count` datagrams. Their number, or -errno (-EAGAIN: none is there).
  int Receive(int descriptor, int count);

  // -errno that the last Receive met behind the datagrams that it gave, or 0. recvmmsg(2) leaves
  // such an error to the next call.
  int error() const { return error_; }

  // Of a datagram that the last Receive stored.
  size_t size(int index) const { return messages_[index].msg_len; }
  bool truncated(int index) const { return (messages_[index].msg_hdr.msg_flags & MSG_TRUNC) != 0; }
  const SocketAddress& peer(int index);
  bool has_details(int index) const { return messages_[index].msg_hdr.msg_controllen > 0; }
  DatagramDetails details(int index) const { return ReadDetails(messages_[index].msg_hdr); }

  // Closes the descriptors that came with it (SCM_RIGHTS, unix(7)), which nobody here takes. Once.
  void CloseDescriptors(int index);

 private:
  platform::MultiMessage messages_[kDatagramsPerBatch];
  iovec parts_[kDatagramsPerBatch][2];
  SocketAddress peers_[kDatagramsPerBatch];
  alignas(cmsghdr) uint8_t control_[kDatagramsPerBatch][platform::kDatagramControlBytes];
  int error_ = 0;
};

// How one datagram, or one run of equal segments, goes out.
struct DatagramRoute {
  const FlatAddress* to = nullptr;     // null on a connected socket
  const FlatAddress* local = nullptr;  // source address; null: the kernel chooses
  int32_t interface_index = 0;         // to send through; 0: the kernel chooses
  int32_t traffic_class = 0;           // 0: the socket's own
  int32_t stride = 0;                  // bytes of one segment (UDP_SEGMENT); 0: one datagram
};

class SendBatch {
 public:
  void Clear() { count_ = 0; }
  int count() const { return count_; }
  bool full() const { return count_ == kDatagramsPerBatch; }

  // Adds a message for a socket of `domain`. 0, or -EAFNOSUPPORT. The bytes must stay until Send.
  int Add(const uint8_t* bytes, size_t size, const DatagramRoute& route, int domain);

  // sendmmsg(2) of those from `first` on. How many were taken, at least 1; or -errno of the first.
  int Send(int descriptor, int first);

 private:
  int Describe(int index, const DatagramRoute& route);

  platform::MultiMessage messages_[kDatagramsPerBatch];
  iovec parts_[kDatagramsPerBatch];
  SocketAddress peers_[kDatagramsPerBatch];
  ControlBuffer<128> controls_[kDatagramsPerBatch];
  int count_ = 0;
};

// Whether the kernel cuts large sends into segments: getsockopt(2) of UDP_SEGMENT.
bool CanSegment(int descriptor);

// One entry of the error queue (MSG_ERRQUEUE, ip(7)): what became of a datagram sent earlier.
struct DatagramError {
  int error;         // -errno
  uint32_t info;     // for EMSGSIZE the path MTU in bytes
  FlatAddress peer;  // to whom it was sent
};

// Takes one entry. 1, 0 when there is none that tells of a datagram, or -errno.
int TakeDatagramError(int descriptor, DatagramError* out);

}  // namespace hawser

#endif  // HAWSER_SOCKET_DATAGRAM_BATCH_H_
