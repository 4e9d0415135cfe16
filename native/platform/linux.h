// Linux: names and small shims. Included by platform.h only.
#ifndef HAWSER_PLATFORM_LINUX_H_
#define HAWSER_PLATFORM_LINUX_H_

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

// After <time.h>: with musl the kernel's header names a timespec that it does not include.
#include <linux/errqueue.h>
#include <linux/filter.h>
#include <linux/sockios.h>

#include <cstdint>
#include <cstring>

#include "platform/linux_options.h"

namespace hawser::platform {

inline constexpr bool kIsLinux = true;
inline constexpr bool kIsDarwin = false;

// send(2): a write to a socket whose peer is gone answers EPIPE and raises no SIGPIPE.
inline constexpr int kSendFlags = MSG_NOSIGNAL | MSG_DONTWAIT;
inline constexpr int kReceiveFlags = MSG_DONTWAIT;
// MSG_TRUNC makes the result the datagram's true length (recv(2)).
inline constexpr int kReceiveDatagramFlags = MSG_DONTWAIT | MSG_TRUNC;
// recvmsg(2): descriptors that arrive are close-on-exec from the first moment.
inline constexpr int kReceiveDescriptorFlags = MSG_CMSG_CLOEXEC | MSG_DONTWAIT;

// accept(2) passes it on from a connection that is gone.
inline constexpr int kNotOnNetwork = ENONET;

// ioctl(2) request for bytes that the peer has not acknowledged (tcp(7)).
inline constexpr unsigned long kUnacknowledgedBytesRequest = SIOCOUTQ;

// socket(2) with both flags set in the same call, so that no fork can come between.
inline int OpenSocket(int domain, int type, int protocol) {
  return ::socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
}

// Two connected Unix sockets, as above.
inline int OpenSocketPair(int type, int* descriptors) {
  return ::socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, descriptors);
}

inline int AcceptSocket(int descriptor, sockaddr* address, socklen_t* length) {
  return ::accept4(descriptor, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

// recvmmsg(2), sendmmsg(2).
using MultiMessage = mmsghdr;
using ManyCall = int (*)(int descriptor, MultiMessage* messages, unsigned int count, int flags);
inline int ReceiveMany(int descriptor, MultiMessage* messages, unsigned int count, int flags) {
  return ::recvmmsg(descriptor, messages, count, flags, nullptr);
}
inline int SendMany(int descriptor, MultiMessage* messages, unsigned int count, int flags) {
  return ::sendmmsg(descriptor, messages, count, flags);
}
inline constexpr ManyCall kReceiveMany = ReceiveMany;
inline constexpr ManyCall kSendMany = SendMany;

// Room for the control messages of one datagram: all that can be asked for. The kernel closes
// descriptors that do not fit.
inline constexpr std::size_t kDatagramControlBytes = 192;

// Control messages of datagrams (ip(7), ipv6(7), udp(7), socket(7)).
struct PacketInfo6 {
  in6_addr address;
  uint32_t interface_index;
};
inline constexpr int kPacketInfo4Message = IP_PKTINFO;
inline constexpr int kTrafficClass4Message = IP_TOS;
inline constexpr int kHopLimit4Message = IP_TTL;
inline constexpr int kPacketInfo6Message = 50;  // IPV6_PKTINFO; named for extensions only
inline constexpr int kTrafficClass6Message = IPV6_TCLASS;
inline constexpr int kHopLimit6Message = IPV6_HOPLIMIT;
inline constexpr int kDropsMessage = SO_RXQ_OVFL;
inline constexpr int kSegmentMessage = kUdpSegment;
inline constexpr int kCoalescedMessage = kUdpGro;

// SCM_TIMESTAMPNS. False for another message.
inline bool ReadTimeMessage(int type, const uint8_t* data, std::size_t length, int64_t* time_ns) {
  timespec time;
  if (type != SCM_TIMESTAMPNS || length < sizeof(time)) return false;
  std::memcpy(&time, data, sizeof(time));
  *time_ns = static_cast<int64_t>(time.tv_sec) * 1000000000 + time.tv_nsec;
  return true;
}

// The queue of what became of datagrams (ip(7), IP_RECVERR).
inline constexpr int kErrorQueueFlags = MSG_ERRQUEUE | MSG_DONTWAIT;
inline bool ReadErrorMessage(int level, int type, const uint8_t* data, std::size_t length,
                             int* error, uint32_t* info) {
  bool tells = (level == IPPROTO_IP && type == IP_RECVERR) ||
               (level == IPPROTO_IPV6 && type == IPV6_RECVERR);
  sock_extended_err entry;
  if (!tells || length < sizeof(entry)) return false;
  std::memcpy(&entry, data, sizeof(entry));
  // What is of local origin was the answer of the send itself already.
  if (entry.ee_origin != SO_EE_ORIGIN_ICMP && entry.ee_origin != SO_EE_ORIGIN_ICMP6) return false;
  *error = static_cast<int>(entry.ee_errno);
  *info = entry.ee_info;
  return true;
}

// What SO_ATTACH_FILTER (socket(7)) takes to keep new connections from a listener: a classic BPF
// program over the TCP header that drops SYN without ACK (RFC 9293 section 3.1).
inline constexpr int kAttachFilter = SO_ATTACH_FILTER;
inline constexpr int kDetachFilter = SO_DETACH_FILTER;
struct HandshakeFilter {
  sock_filter code[5] = {
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),     // the flags
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x12),  // ACK and SYN
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x02, 0, 1), BPF_STMT(BPF_RET | BPF_K, 0),
      BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
  };
  sock_fprog program{5, code};
};

// A sockaddr carries no length byte on this system.
inline void SetLengthByte(sockaddr*, socklen_t) {}

}  // namespace hawser::platform

#endif  // HAWSER_PLATFORM_LINUX_H_
