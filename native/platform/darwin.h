// macOS: names and small shims. Included by platform.h only.
#ifndef HAWSER_PLATFORM_DARWIN_H_
#define HAWSER_PLATFORM_DARWIN_H_

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>

#include "platform/darwin_options.h"

namespace hawser::platform {

inline constexpr bool kIsLinux = false;
inline constexpr bool kIsDarwin = true;

// SIGPIPE is suppressed per socket here (SO_NOSIGPIPE, set by OpenSocket and AcceptSocket).
inline constexpr int kSendFlags = MSG_DONTWAIT;
inline constexpr int kReceiveFlags = MSG_DONTWAIT;
// MSG_TRUNC is only an answer here; the true length of a cut datagram is not told.
inline constexpr int kReceiveDatagramFlags = MSG_DONTWAIT;
// recvmsg(2) has no MSG_CMSG_CLOEXEC; the receiver sets FD_CLOEXEC on what arrives.
inline constexpr int kReceiveDescriptorFlags = MSG_DONTWAIT;

inline constexpr int kNotOnNetwork = kAbsent;

// SO_NWRITE is a socket option here, not an ioctl.
inline constexpr unsigned long kUnacknowledgedBytesRequest = 0;

// socket(2) has no SOCK_NONBLOCK; a fork between the calls can inherit the descriptor, as in libuv.
inline int MakePrivate(int descriptor) {
  if (descriptor < 0) return descriptor;
  int one = 1;
  if (::fcntl(descriptor, F_SETFD, FD_CLOEXEC) < 0 ||
      ::fcntl(descriptor, F_SETFL, O_NONBLOCK) < 0) {
    int saved = errno;
    ::close(descriptor);
    errno = saved;
    return -1;
  }
  // Fails on a socket whose peer is already gone; EPIPE is then all there is to lose.
  (void)::setsockopt(descriptor, SOL_SOCKET, SO_NOSIGPIPE, &one, sizeof(one));
  return descriptor;
}

inline int OpenSocket(int domain, int type, int protocol) {
  return MakePrivate(::socket(domain, type, protocol));
}

inline int OpenSocketPair(int type, int* descriptors) {
  if (::socketpair(AF_UNIX, type, 0, descriptors) < 0) return -1;
  // Each is closed by MakePrivate where it fails.
  bool first = MakePrivate(descriptors[0]) >= 0;
  bool second = MakePrivate(descriptors[1]) >= 0;
  if (first && second) return 0;
  int saved = errno;
  if (first) ::close(descriptors[0]);
  if (second) ::close(descriptors[1]);
  errno = saved;
  return -1;
}

inline int AcceptSocket(int descriptor, sockaddr* address, socklen_t* length) {
  return MakePrivate(::accept(descriptor, address, length));
}

// recvmsg_x and sendmsg_x are private here: one call a datagram.
struct MultiMessage {
  msghdr msg_hdr;
  unsigned int msg_len;
};
using ManyCall = int (*)(int descriptor, MultiMessage* messages, unsigned int count, int flags);
inline constexpr ManyCall kReceiveMany = nullptr;
inline constexpr ManyCall kSendMany = nullptr;

// Room for the control messages of one datagram: as many descriptors as one can bring, since those
// that do not fit are in the process all the same and could never be closed.
inline constexpr std::size_t kDatagramControlBytes = 2112;

// Control messages of datagrams (ip(4), ip6(4)). The names of IPv6's are hidden behind a macro that
// must stand before the first header; the numbers are those of <netinet6/in6.h>.
struct PacketInfo6 {
  in6_addr address;
  uint32_t interface_index;
};
inline constexpr int kPacketInfo4Message = IP_PKTINFO;
inline constexpr int kTrafficClass4Message = 27;  // IP_RECVTOS
inline constexpr int kHopLimit4Message = IP_RECVTTL;
inline constexpr int kPacketInfo6Message = 46;
inline constexpr int kTrafficClass6Message = 36;
inline constexpr int kHopLimit6Message = 47;
inline constexpr int kDropsMessage = kAbsent;
inline constexpr int kSegmentMessage = kAbsent;
inline constexpr int kCoalescedMessage = kAbsent;

// SCM_TIMESTAMP, in microseconds. False for another message.
inline bool ReadTimeMessage(int type, const uint8_t* data, std::size_t length, int64_t* time_ns) {
  timeval time;
  if (type != SCM_TIMESTAMP || length < sizeof(time)) return false;
  std::memcpy(&time, data, sizeof(time));
  *time_ns =
      static_cast<int64_t>(time.tv_sec) * 1000000000 + static_cast<int64_t>(time.tv_usec) * 1000;
  return true;
}

// There is no error queue here.
inline constexpr int kErrorQueueFlags = kAbsent;
inline bool ReadErrorMessage(int, int, const uint8_t*, std::size_t, int*, uint32_t*) {
  return false;
}

// Sockets have no filters here.
inline constexpr int kAttachFilter = kAbsent;
inline constexpr int kDetachFilter = kAbsent;
struct HandshakeFilter {
  int program = 0;
};

inline void SetLengthByte(sockaddr* address, socklen_t length) {
  address->sa_len = static_cast<unsigned char>(length);
}

}  // namespace hawser::platform

#endif  // HAWSER_PLATFORM_DARWIN_H_
