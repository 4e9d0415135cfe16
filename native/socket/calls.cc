#include "socket/calls.h"

#include <errno.h>

#include <cstring>

#include "socket/control_message.h"

namespace hawser {
namespace {

// Repeats what a signal interrupted. Result or -errno.
template <typename Call>
auto Repeat(Call call) -> decltype(call()) {
  decltype(call()) result;
  do {
    result = call();
  } while (result < 0 && errno == EINTR);
  return result < 0 ? static_cast<decltype(call())>(-errno) : result;
}

}  // namespace

int OpenSocket(int domain, int type, int protocol) {
  int descriptor = system_calls.socket(domain, type, protocol);
  return descriptor < 0 ? -errno : descriptor;
}

int OpenPair(int type, int* descriptors) {
  return system_calls.socketpair(type, descriptors) < 0 ? -errno : 0;
}

int Bind(int descriptor, const SocketAddress& address) {
  return system_calls.bind(descriptor, address.get(), address.length) < 0 ? -errno : 0;
}

int Listen(int descriptor, int backlog) {
  return system_calls.listen(descriptor, backlog) < 0 ? -errno : 0;
}

int Connect(int descriptor, const SocketAddress& address) {
  if (system_calls.connect(descriptor, address.get(), address.length) == 0) return 0;
  return errno == EINTR ? -EINPROGRESS : -errno;
}

int Accept(int descriptor, SocketAddress* peer) {
  int accepted = Repeat([&] {
    peer->length = sizeof(peer->storage);
    return system_calls.accept(descriptor, peer->get(), &peer->length);
  });
  // XNU writes no address where the peer is gone already.
  if (peer->length == 0) peer->storage.ss_family = AF_UNSPEC;
  return accepted;
}

ssize_t Receive(int descriptor, void* bytes, size_t size) {
  return Repeat(
      [&] { return system_calls.recv(descriptor, bytes, size, platform::kReceiveFlags); });
}

ssize_t ReceiveDatagram(int descriptor, void* bytes, size_t size, SocketAddress* peer,
                        bool* truncated) {
  iovec part{bytes, size};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  ssize_t received = Repeat([&] {
    message.msg_name = &peer->storage;
    message.msg_namelen = sizeof(peer->storage);
    return system_calls.recvmsg(descriptor, &message, platform::kReceiveDatagramFlags);
  });
  peer->length = message.msg_namelen;
  if (peer->length == 0) peer->storage.ss_family = AF_UNSPEC;
  *truncated = (message.msg_flags & MSG_TRUNC) != 0;
  return received;
}

ssize_t SendGather(int descriptor, const iovec* parts, int count) {
  return SendDatagram(descriptor, parts, count, nullptr);
}

ssize_t SendDatagram(int descriptor, const iovec* parts, int count, const SocketAddress* to) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(parts);
  message.msg_iovlen = static_cast<decltype(message.msg_iovlen)>(count);
  if (to != nullptr) {
    message.msg_name = const_cast<sockaddr*>(to->get());
    message.msg_namelen = to->length;
  }
  return Repeat([&] { return system_calls.sendmsg(descriptor, &message, platform::kSendFlags); });
}

int Shutdown(int descriptor, int how) {
  return system_calls.shutdown(descriptor, how) < 0 ? -errno : 0;
}

void CloseWithReset(int descriptor) {
  linger reset{1, 0};
  // Fails on a socket that was never connected; closing it is then all there is to do.
  (void)system_calls.setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
  (void)system_calls.close(descriptor);
}

int LocalAddressOf(int descriptor, SocketAddress* out) {
  std::memset(&out->storage, 0, sizeof(out->storage));
  out->length = sizeof(out->storage);
  return system_calls.getsockname(descriptor, out->get(), &out->length) < 0 ? -errno : 0;
}

int PeerAddressOf(int descriptor, SocketAddress* out) {
  std::memset(&out->storage, 0, sizeof(out->storage));
  out->length = sizeof(out->storage);
  return system_calls.getpeername(descriptor, out->get(), &out->length) < 0 ? -errno : 0;
}

int TakeSocketError(int descriptor) {
  int error = IntegerOption(descriptor, SOL_SOCKET, SO_ERROR);
  return error > 0 ? -error : error;
}

int IntegerOption(int descriptor, int level, int name) {
  int value = 0;
  socklen_t length = sizeof(value);
  return system_calls.getsockopt(descriptor, level, name, &value, &length) < 0 ? -errno : value;
}

int DomainOf(int descriptor) {
  SocketAddress address;
  int status = LocalAddressOf(descriptor, &address);
  return status < 0 ? status : address.family();
}

int RefuseHandshakes(int descriptor) {
  if (platform::kAttachFilter == kAbsent) return -ENOPROTOOPT;
  platform::HandshakeFilter filter;
  int status = system_calls.setsockopt(descriptor, SOL_SOCKET, platform::kAttachFilter,
                                       &filter.program, sizeof(filter.program));
  return status < 0 ? -errno : 0;
}

int AdmitHandshakes(int descriptor) {
  if (platform::kDetachFilter == kAbsent) return -ENOPROTOOPT;
  int unused = 0;
  int status = system_calls.setsockopt(descriptor, SOL_SOCKET, platform::kDetachFilter, &unused,
                                       sizeof(unused));
  return status < 0 ? -errno : 0;
}

int Duplicate(int descriptor) {
  int copy = system_calls.fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
  return copy < 0 ? -errno : copy;
}

int SetNonBlocking(int descriptor) {
  int flags = system_calls.fcntl(descriptor, F_GETFL, 0);
  if (flags < 0) return -errno;
  if (flags & O_NONBLOCK) return 0;
  return system_calls.fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 0;
}

int InterfaceIndex(const char* name) {
  unsigned int index = ::if_nametoindex(name);
  return index == 0 ? -ENODEV : static_cast<int>(index);
}

int InterfaceName(int index, char* name) {
  if (index <= 0) return -ENODEV;
  return ::if_indextoname(static_cast<unsigned int>(index), name) == nullptr ? -ENODEV : 0;
}

ssize_t SendWithDescriptors(int descriptor, const void* bytes, size_t size, const int* passed,
                            int count) {
  if (count < 0 || count > kDescriptorsPerMessage) return -EINVAL;
  iovec part{const_cast<void*>(bytes), size};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  ControlBuffer<sizeof(int) * kDescriptorsPerMessage> control;
  if (count > 0) {
    control.Append(SOL_SOCKET, SCM_RIGHTS, passed, sizeof(int) * static_cast<size_t>(count));
    control.AttachTo(&message);
  }
  return Repeat([&] { return system_calls.sendmsg(descriptor, &message, platform::kSendFlags); });
}

ssize_t ReceiveWithDescriptors(int descriptor, void* bytes, size_t size, int* received, int* count,
                               bool* truncated) {
  iovec part{bytes, size};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  ControlBuffer<sizeof(int) * kDescriptorsThatArrive> control;
  *count = 0;
  *truncated = false;
  ssize_t got = Repeat([&] {
    control.AttachWhole(&message);
    return system_calls.recvmsg(descriptor, &message, platform::kReceiveDescriptorFlags);
  });
  if (got < 0) return got;
  *truncated = (message.msg_flags & MSG_CTRUNC) != 0;
  ForEachControlMessage(message, [&](int level, int type, const uint8_t* data, size_t length) {
    if (level != SOL_SOCKET || type != SCM_RIGHTS) return;
    for (size_t at = 0; at + sizeof(int) <= length; at += sizeof(int)) {
      int arrived;
      std::memcpy(&arrived, data + at, sizeof(arrived));
      if (*count == kDescriptorsPerMessage) {
        (void)system_calls.close(arrived);
        *truncated = true;
        continue;
      }
      if (!platform::kIsLinux) (void)system_calls.fcntl(arrived, F_SETFD, FD_CLOEXEC);
      received[(*count)++] = arrived;
    }
  });
  return got;
}

}  // namespace hawser
