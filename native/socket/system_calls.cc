#include "socket/system_calls.h"

namespace hawser {
namespace {

// Variadic in libc; a table needs a fixed shape.
int Ioctl(int descriptor, unsigned long request, int* value) {
  return ::ioctl(descriptor, request, value);
}
int Fcntl(int descriptor, int command, int argument) {
  return ::fcntl(descriptor, command, argument);
}

}  // namespace

#define HAWSER_REAL_CALLS                                                                     \
  {                                                                                           \
    platform::OpenSocket, platform::AcceptSocket, ::bind, ::connect, ::listen, ::shutdown,    \
        ::close, ::getsockopt, ::setsockopt, ::getsockname, ::getpeername, ::recv, ::recvmsg, \
        ::sendmsg, Ioctl, Fcntl, platform::OpenSocketPair, platform::kReceiveMany,            \
        platform::kSendMany                                                                   \
  }

const SystemCalls kRealSystemCalls = HAWSER_REAL_CALLS;
SystemCalls system_calls = HAWSER_REAL_CALLS;

#undef HAWSER_REAL_CALLS

}  // namespace hawser
