// Linux: names and small shims. Included by platform.h only.
#ifndef HAWSER_PLATFORM_LINUX_H_
#define HAWSER_PLATFORM_LINUX_H_

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/sockios.h>

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

// A sockaddr carries no length byte on this system.
inline void SetLengthByte(sockaddr*, socklen_t) {}

}  // namespace hawser::platform

#endif  // HAWSER_PLATFORM_LINUX_H_
