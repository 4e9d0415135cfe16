// The system calls that the library makes on sockets, as a table of functions, so that a native
// test can replace one and make it fail with any errno. Nothing else in native/ calls them
// directly; the pollers' own calls are in their files and are replaced at link time.
#ifndef HAWSER_SOCKET_SYSTEM_CALLS_H_
#define HAWSER_SOCKET_SYSTEM_CALLS_H_

#include "platform/platform.h"

namespace hawser {

// Each entry has the signature and the errno contract of its manual page.
struct SystemCalls {
  int (*socket)(int domain, int type, int protocol);  // non-blocking, close-on-exec
  int (*accept)(int descriptor, sockaddr* address, socklen_t* length);  // the same
  int (*bind)(int descriptor, const sockaddr* address, socklen_t length);
  int (*connect)(int descriptor, const sockaddr* address, socklen_t length);
  int (*listen)(int descriptor, int backlog);
  int (*shutdown)(int descriptor, int how);
  int (*close)(int descriptor);
  int (*getsockopt)(int descriptor, int level, int name, void* value, socklen_t* length);
  int (*setsockopt)(int descriptor, int level, int name, const void* value, socklen_t length);
  int (*getsockname)(int descriptor, sockaddr* address, socklen_t* length);
  int (*getpeername)(int descriptor, sockaddr* address, socklen_t* length);
  ssize_t (*recv)(int descriptor, void* bytes, size_t size, int flags);
  ssize_t (*recvmsg)(int descriptor, msghdr* message, int flags);
  ssize_t (*sendmsg)(int descriptor, const msghdr* message, int flags);
  int (*ioctl)(int descriptor, unsigned long request, int* value);
  int (*fcntl)(int descriptor, int command, int argument);
  int (*socketpair)(int type, int* descriptors);  // AF_UNIX, non-blocking, close-on-exec
  // Null where the system has no such call: recvmsg and sendmsg are called one by one then.
  platform::ManyCall recvmmsg;
  platform::ManyCall sendmmsg;
};

// Constant-initialised. Only tests write to it, before any thread reads it.
extern SystemCalls system_calls;

// The table of the real calls, to restore after a replacement.
extern const SystemCalls kRealSystemCalls;

}  // namespace hawser

#endif  // HAWSER_SOCKET_SYSTEM_CALLS_H_
