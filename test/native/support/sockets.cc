#include "support/sockets.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <cstring>
#include <vector>

namespace hawser::testing {
namespace {

int64_t Now() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1000000;
}

Fd NonBlocking(int descriptor) {
  REQUIRE(descriptor >= 0);
  REQUIRE(::fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0);
  return Fd(descriptor);
}

SocketAddress Loopback(int domain) {
  SocketAddress address{};
  if (domain == AF_INET6) {
    sockaddr_in6 in{};
    in.sin6_family = AF_INET6;
    in.sin6_addr = in6addr_loopback;
    std::memcpy(&address.storage, &in, sizeof(in));
    address.length = sizeof(in);
  } else {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    std::memcpy(&address.storage, &in, sizeof(in));
    address.length = sizeof(in);
  }
  platform::SetLengthByte(address.get(), address.length);
  return address;
}

Fd Bound(int domain, int type, SocketAddress* out) {
  Fd descriptor = NonBlocking(::socket(domain, type, 0));
  SocketAddress address = Loopback(domain);
  REQUIRE(::bind(descriptor.get(), address.get(), address.length) == 0);
  *out = LocalOf(descriptor.get());
  return descriptor;
}

}  // namespace

void Fd::Close() {
  if (value_ >= 0) ::close(Release());
}

SocketAddress LocalOf(int descriptor) {
  SocketAddress address{};
  address.length = sizeof(address.storage);
  REQUIRE(::getsockname(descriptor, address.get(), &address.length) == 0);
  return address;
}

Listening ListenOnLoopback(int backlog, int domain) {
  Listening listening;
  listening.descriptor = Bound(domain, SOCK_STREAM, &listening.address);
  REQUIRE(::listen(listening.descriptor.get(), backlog) == 0);
  return listening;
}

SocketAddress RefusingAddress() {
  SocketAddress address;
  Fd closed_at_return = Bound(AF_INET, SOCK_STREAM, &address);
  return address;
}

Fd ConnectTo(const SocketAddress& address) {
  Fd descriptor = NonBlocking(::socket(address.family(), SOCK_STREAM, 0));
  int status = ::connect(descriptor.get(), address.get(), address.length);
  REQUIRE((status == 0 || errno == EINPROGRESS || errno == ECONNREFUSED));
  return descriptor;
}

Pair TcpPair() {
  Listening listening = ListenOnLoopback();
  Pair pair;
  pair.near = ConnectTo(listening.address);
  REQUIRE(Await(listening.descriptor.get(), POLLIN));
  pair.far = NonBlocking(::accept(listening.descriptor.get(), nullptr, nullptr));
  REQUIRE(Await(pair.near.get(), POLLOUT));
  return pair;
}

Pair UnixPair(int type) {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, type, 0, ends) == 0);
  Pair pair;
  pair.near = NonBlocking(ends[0]);
  pair.far = NonBlocking(ends[1]);
  return pair;
}

Pair UdpPair() {
  Pair pair;
  SocketAddress near;
  SocketAddress far;
  pair.near = Bound(AF_INET, SOCK_DGRAM, &near);
  pair.far = Bound(AF_INET, SOCK_DGRAM, &far);
  REQUIRE(::connect(pair.near.get(), far.get(), far.length) == 0);
  REQUIRE(::connect(pair.far.get(), near.get(), near.length) == 0);
  return pair;
}

bool Await(int descriptor, short events) {
  pollfd poll{descriptor, events, 0};
  return ::poll(&poll, 1, kPatience) == 1;
}

bool Has(int descriptor, short events) {
  pollfd poll{descriptor, events, 0};
  return ::poll(&poll, 1, 0) == 1;
}

bool AwaitBytes(int descriptor, int count) {
  const int64_t deadline = Now() + kPatience;
  while (Now() < deadline) {
    int available = 0;
    REQUIRE(::ioctl(descriptor, FIONREAD, &available) == 0);
    if (available >= count) return true;
    // Bytes that are short of `count` make this return at once: it gives way, and asks again.
    (void)::poll(nullptr, 0, available > 0 ? 1 : 0);
    if (available == 0 && !Await(descriptor, POLLIN)) return false;
  }
  return false;
}

bool AwaitEnd(int descriptor) {
  const int64_t deadline = Now() + kPatience;
  while (Now() < deadline) {
#ifdef POLLRDHUP
    pollfd poll{descriptor, POLLRDHUP, 0};
#else
    pollfd poll{descriptor, POLLIN, 0};  // POLLHUP is what is waited for here
#endif
    if (::poll(&poll, 1, kPatience) != 1) return false;
#ifdef POLLRDHUP
    return true;
#else
    if (poll.revents & (POLLHUP | POLLERR)) return true;
    (void)::poll(nullptr, 0, 1);
#endif
  }
  return false;
}

void Write(int descriptor, const std::string& bytes) {
  REQUIRE(::send(descriptor, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
}

size_t Fill(int descriptor) {
  const std::vector<char> block(65536, 'x');
  size_t total = 0;
  for (;;) {
    ssize_t sent = ::send(descriptor, block.data(), block.size(), 0);
    if (sent > 0) {
      total += static_cast<size_t>(sent);
      continue;
    }
    REQUIRE((errno == EAGAIN || errno == EWOULDBLOCK));
    return total;
  }
}

std::string ReadExactly(int descriptor, size_t size) {
  std::string bytes;
  char block[65536];
  while (bytes.size() < size) {
    const size_t want = size - bytes.size();
    ssize_t got = ::recv(descriptor, block, want < sizeof(block) ? want : sizeof(block), 0);
    if (got > 0) {
      bytes.append(block, static_cast<size_t>(got));
    } else if (got == 0 || errno != EAGAIN || !Await(descriptor, POLLIN)) {
      break;
    }
  }
  return bytes;
}

std::string ReadToEnd(int descriptor, bool* reset) {
  std::string bytes;
  char block[65536];
  if (reset != nullptr) *reset = false;
  for (;;) {
    ssize_t got = ::recv(descriptor, block, sizeof(block), 0);
    if (got > 0) {
      bytes.append(block, static_cast<size_t>(got));
    } else if (got < 0 && errno == EAGAIN) {
      if (!Await(descriptor, POLLIN)) FAIL("no end came");
    } else {
      if (reset != nullptr) *reset = got < 0 && errno == ECONNRESET;
      return bytes;
    }
  }
}

void Reset(Fd* descriptor) {
  linger reset{1, 0};
  REQUIRE(::setsockopt(descriptor->get(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) == 0);
  descriptor->Close();
}

}  // namespace hawser::testing
