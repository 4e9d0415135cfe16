// One function per system call (calls.cc, system_calls.cc): values, errnos, EINTR, and descriptors
// in messages.
#include "socket/calls.h"

#include <doctest/doctest.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "socket/control_message.h"
#include "support/sockets.h"

using namespace hawser;
using namespace hawser::testing;

namespace {

struct Restore {
  ~Restore() { system_calls = kRealSystemCalls; }
};

// How often the replaced calls are still interrupted before they are made.
int interruptions = 0;
int calls = 0;

bool Interrupted() {
  calls++;
  if (interruptions == 0) return false;
  interruptions--;
  errno = EINTR;
  return true;
}

bool CloseOnExec(int descriptor) { return (::fcntl(descriptor, F_GETFD) & FD_CLOEXEC) != 0; }
bool NonBlocking(int descriptor) { return (::fcntl(descriptor, F_GETFL) & O_NONBLOCK) != 0; }

}  // namespace

TEST_CASE("calls: a socket is non-blocking and close-on-exec, and so is an accepted one") {
  Fd opened(OpenSocket(AF_INET, SOCK_STREAM, 0));
  CHECK(NonBlocking(opened.get()));
  CHECK(CloseOnExec(opened.get()));
  Listening listening = ListenOnLoopback();
  Fd peer = ConnectTo(listening.address);
  REQUIRE(Await(listening.descriptor.get(), POLLIN));
  SocketAddress from;
  Fd accepted(Accept(listening.descriptor.get(), &from));
  CHECK(NonBlocking(accepted.get()));
  CHECK(CloseOnExec(accepted.get()));
  CHECK(ToFlatAddress(from).port == ToFlatAddress(LocalOf(peer.get())).port);
  CHECK(Accept(listening.descriptor.get(), &from) == -EAGAIN);
}

TEST_CASE("calls: each answers -errno for a closed descriptor") {
  int closed = TcpPair().near.get();
  SocketAddress address = RefusingAddress();
  char byte = 0;
  bool truncated;
  int received[1];
  int count;
  iovec part{&byte, 1};
  CHECK(Bind(closed, address) == -EBADF);
  CHECK(Listen(closed, 1) == -EBADF);
  CHECK(Connect(closed, address) == -EBADF);
  CHECK(Accept(closed, &address) == -EBADF);
  CHECK(Receive(closed, &byte, 1) == -EBADF);
  CHECK(ReceiveDatagram(closed, &byte, 1, &address, &truncated) == -EBADF);
  CHECK(SendGather(closed, &part, 1) == -EBADF);
  CHECK(SendDatagram(closed, &part, 1, &address) == -EBADF);
  CHECK(Shutdown(closed, SHUT_WR) == -EBADF);
  CHECK(LocalAddressOf(closed, &address) == -EBADF);
  CHECK(PeerAddressOf(closed, &address) == -EBADF);
  CHECK(TakeSocketError(closed) == -EBADF);
  CHECK(IntegerOption(closed, SOL_SOCKET, SO_TYPE) == -EBADF);
  CHECK(DomainOf(closed) == -EBADF);
  CHECK(Duplicate(closed) == -EBADF);
  CHECK(SetNonBlocking(closed) == -EBADF);
  CHECK(SendWithDescriptors(closed, &byte, 1, nullptr, 0) == -EBADF);
  CHECK(ReceiveWithDescriptors(closed, &byte, 1, received, &count, &truncated) == -EBADF);
  CHECK(OpenSocket(-1, SOCK_STREAM, 0) == -EAFNOSUPPORT);
}

TEST_CASE("calls: an accepted socket whose peer is gone already has no address") {
  Restore restore;
  Listening listening = ListenOnLoopback();
  Fd peer = ConnectTo(listening.address);
  REQUIRE(Await(listening.descriptor.get(), POLLIN));
  system_calls.accept = [](int descriptor, sockaddr*, socklen_t* length) {
    *length = 0;
    return kRealSystemCalls.accept(descriptor, nullptr, nullptr);
  };
  SocketAddress from;
  std::memset(&from, AF_UNIX, sizeof(from));
  from.storage.ss_family = AF_UNIX;
  Fd accepted(Accept(listening.descriptor.get(), &from));
  CHECK(accepted.get() >= 0);
  CHECK(ToFlatAddress(from).family == AddressFamily::kNone);
}

TEST_CASE(
    "calls: a signal repeats accept, recv, recvmsg and sendmsg, and a connect goes on by itself") {
  Restore restore;
  system_calls.accept = [](int descriptor, sockaddr* address, socklen_t* length) {
    return Interrupted() ? -1 : kRealSystemCalls.accept(descriptor, address, length);
  };
  system_calls.recv = [](int descriptor, void* bytes, size_t size, int flags) -> ssize_t {
    return Interrupted() ? -1 : ::recv(descriptor, bytes, size, flags);
  };
  system_calls.recvmsg = [](int descriptor, msghdr* message, int flags) -> ssize_t {
    return Interrupted() ? -1 : ::recvmsg(descriptor, message, flags);
  };
  system_calls.sendmsg = [](int descriptor, const msghdr* message, int flags) -> ssize_t {
    return Interrupted() ? -1 : ::sendmsg(descriptor, message, flags);
  };
  Pair pair = UdpPair();
  char bytes[] = "ab";
  iovec part{bytes, 2};
  SocketAddress from;
  bool truncated;
  for (int times : {1, 3}) {
    interruptions = times;
    CHECK(SendGather(pair.near.get(), &part, 1) == 2);
    interruptions = times;
    CHECK(ReceiveDatagram(pair.far.get(), bytes, 2, &from, &truncated) == 2);
    CHECK(SendGather(pair.near.get(), &part, 1) == 2);
    interruptions = times;
    CHECK(Receive(pair.far.get(), bytes, 2) == 2);
    Listening listening = ListenOnLoopback();
    Fd peer = ConnectTo(listening.address);
    REQUIRE(Await(listening.descriptor.get(), POLLIN));
    interruptions = times;
    Fd accepted(Accept(listening.descriptor.get(), &from));
    CHECK(accepted.get() >= 0);
  }
  system_calls.connect = [](int, const sockaddr*, socklen_t) {
    calls++;
    errno = EINTR;
    return -1;
  };
  calls = 0;
  CHECK(Connect(0, RefusingAddress()) == -EINPROGRESS);
  CHECK(calls == 1);
}

TEST_CASE("B1: SO_ERROR is read once: it says the reason, and then nothing") {
  Fd socket = ConnectTo(RefusingAddress());
  (void)Await(socket.get(), POLLOUT);
  CHECK(TakeSocketError(socket.get()) == -ECONNREFUSED);
  CHECK(TakeSocketError(socket.get()) == 0);
}

TEST_CASE("calls: local and peer address, and the domain, of each kind of socket") {
  Pair pair = TcpPair();
  SocketAddress local;
  SocketAddress peer;
  REQUIRE(LocalAddressOf(pair.near.get(), &local) == 0);
  REQUIRE(PeerAddressOf(pair.far.get(), &peer) == 0);
  CHECK(ToFlatAddress(local).port == ToFlatAddress(peer).port);
  CHECK(DomainOf(pair.near.get()) == AF_INET);
  Listening six = ListenOnLoopback(1, AF_INET6);
  CHECK(DomainOf(six.descriptor.get()) == AF_INET6);
  Pair un = UnixPair();
  CHECK(DomainOf(un.near.get()) == AF_UNIX);
  CHECK(PeerAddressOf(six.descriptor.get(), &peer) == -ENOTCONN);
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  Fd read(ends[0]);
  Fd write(ends[1]);
  CHECK(DomainOf(read.get()) == -ENOTSOCK);
}

TEST_CASE("B36: a datagram that does not fit says its true length, and that it was cut") {
  Pair pair = UdpPair();
  Write(pair.far.get(), "0123456789");
  REQUIRE(Await(pair.near.get(), POLLIN));
  char bytes[4];
  SocketAddress from;
  bool truncated = false;
  ssize_t got = ReceiveDatagram(pair.near.get(), bytes, sizeof(bytes), &from, &truncated);
  CHECK(truncated);
  CHECK(got == (platform::kIsLinux ? 10 : 4));
  CHECK(std::memcmp(bytes, "0123", 4) == 0);
  CHECK(ToFlatAddress(from).port == ToFlatAddress(LocalOf(pair.far.get())).port);

  Write(pair.far.get(), "abcd");
  REQUIRE(Await(pair.near.get(), POLLIN));
  CHECK(ReceiveDatagram(pair.near.get(), bytes, sizeof(bytes), &from, &truncated) == 4);
  CHECK_FALSE(truncated);
  CHECK(ReceiveDatagram(pair.near.get(), bytes, sizeof(bytes), &from, &truncated) == -EAGAIN);
}

TEST_CASE("calls: a datagram without a sender has no address") {
  Pair pair = UnixPair(SOCK_DGRAM);
  Write(pair.far.get(), "x");
  char byte;
  SocketAddress from;
  std::memset(&from, 0xee, sizeof(from));
  bool truncated;
  REQUIRE(ReceiveDatagram(pair.near.get(), &byte, 1, &from, &truncated) == 1);
  CHECK(PathOf(from).size == 0);
}

TEST_CASE(
    "B19: closing with a reset is seen by the peer as one, also on a socket never connected") {
  Pair pair = TcpPair();
  CloseWithReset(pair.near.Release());
  bool reset = false;
  (void)ReadToEnd(pair.far.get(), &reset);
  CHECK(reset);
  int fresh = OpenSocket(AF_INET, SOCK_STREAM, 0);
  CloseWithReset(fresh);
  CHECK(::fcntl(fresh, F_GETFD) == -1);
}

TEST_CASE("calls: a duplicate is close-on-exec and the same socket") {
  Pair pair = TcpPair();
  Fd copy(Duplicate(pair.near.get()));
  CHECK(CloseOnExec(copy.get()));
  pair.near.Close();
  Write(pair.far.get(), "x");
  CHECK(ReadExactly(copy.get(), 1) == "x");
}

TEST_CASE("calls: SetNonBlocking keeps the other flags and is said once") {
  Restore restore;
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  Fd near(ends[0]);
  Fd far(ends[1]);
  REQUIRE(::fcntl(near.get(), F_SETFL, O_APPEND) == 0);
  CHECK(SetNonBlocking(near.get()) == 0);
  CHECK(NonBlocking(near.get()));
  CHECK((::fcntl(near.get(), F_GETFL) & O_APPEND) != 0);
  CHECK_FALSE(NonBlocking(far.get()));
  system_calls.fcntl = [](int descriptor, int command, int argument) {
    calls++;
    return ::fcntl(descriptor, command, argument);
  };
  calls = 0;
  CHECK(SetNonBlocking(near.get()) == 0);
  CHECK(calls == 1);
}

TEST_CASE(
    "SCM_RIGHTS: descriptors arrive with their bytes, close-on-exec, and are the same files") {
  for (int count : {0, 1, 3, kDescriptorsPerMessage}) {
    CAPTURE(count);
    Pair channel = UnixPair();
    Pair passed = UnixPair();
    std::vector<int> sent(static_cast<size_t>(count), passed.near.get());
    REQUIRE(SendWithDescriptors(channel.far.get(), "bytes", 5, sent.data(), count) == 5);
    char bytes[16];
    int received[kDescriptorsPerMessage];
    int arrived = -1;
    bool truncated = true;
    REQUIRE(ReceiveWithDescriptors(channel.near.get(), bytes, sizeof(bytes), received, &arrived,
                                   &truncated) == 5);
    CHECK(arrived == count);
    CHECK_FALSE(truncated);
    for (int i = 0; i < arrived; i++) {
      Fd one(received[i]);
      CHECK(CloseOnExec(one.get()));
      Write(one.get(), "y");
      CHECK(ReadExactly(passed.far.get(), 1) == "y");
    }
  }
}

TEST_CASE("SCM_RIGHTS: more than fit are refused when sent, and closed and told of when received") {
  Pair channel = UnixPair();
  std::vector<int> many(kDescriptorsPerMessage + 8, channel.near.get());
  CHECK(SendWithDescriptors(channel.far.get(), "x", 1, many.data(), kDescriptorsPerMessage + 1) ==
        -EINVAL);
  CHECK(SendWithDescriptors(channel.far.get(), "x", 1, many.data(), -1) == -EINVAL);

  // A peer that is not this library sends more at once.
  Pair passed = UnixPair();
  std::fill(many.begin(), many.end(), passed.near.get());
  ControlBuffer<sizeof(int) * (kDescriptorsPerMessage + 8)> control;
  REQUIRE(control.Append(SOL_SOCKET, SCM_RIGHTS, many.data(), sizeof(int) * many.size()));
  char byte = 'x';
  iovec part{&byte, 1};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  control.AttachTo(&message);
  REQUIRE(::sendmsg(channel.far.get(), &message, 0) == 1);

  int received[kDescriptorsPerMessage];
  int arrived = 0;
  bool truncated = false;
  REQUIRE(ReceiveWithDescriptors(channel.near.get(), &byte, 1, received, &arrived, &truncated) ==
          1);
  CHECK(truncated);
  CHECK(arrived == kDescriptorsPerMessage);
  passed.near.Close();
  for (int i = 0; i < arrived; i++) ::close(received[i]);
  // Nothing holds the socket any more: its peer sees the end.
  CHECK(ReadToEnd(passed.far.get()).empty());
}

TEST_CASE("SCM_RIGHTS: of a message that was cut, all that arrived are closed or the caller's") {
  Restore restore;
  // As XNU says it: the length of the message is what it was before the buffer cut it.
  static std::vector<int> installed;
  installed.clear();
  Pair passed = UnixPair();
  for (int i = 0; i < 100; i++) installed.push_back(::dup(passed.near.get()));
  REQUIRE(installed.back() >= 0);
  system_calls.recvmsg = [](int, msghdr* message, int) -> ssize_t {
    cmsghdr header{};
    header.cmsg_len = static_cast<decltype(header.cmsg_len)>(CMSG_LEN(sizeof(int) * 600));
    header.cmsg_level = SOL_SOCKET;
    header.cmsg_type = SCM_RIGHTS;
    auto* bytes = static_cast<uint8_t*>(message->msg_control);
    REQUIRE(message->msg_controllen >= CMSG_LEN(sizeof(int) * kDescriptorsThatArrive));
    message->msg_controllen =
        static_cast<decltype(message->msg_controllen)>(CMSG_LEN(sizeof(int) * installed.size()));
    std::memcpy(bytes, &header, sizeof(header));
    std::memcpy(bytes + CMSG_LEN(0), installed.data(), sizeof(int) * installed.size());
    message->msg_flags = MSG_CTRUNC;
    return 1;
  };
  char byte;
  int received[kDescriptorsPerMessage];
  int arrived = 0;
  bool truncated = false;
  CHECK(ReceiveWithDescriptors(0, &byte, 1, received, &arrived, &truncated) == 1);
  CHECK(truncated);
  CHECK(arrived == kDescriptorsPerMessage);
  for (int i = 0; i < arrived; i++) {
    ::close(received[i]);
  }
  passed.near.Close();
  // Nothing holds the socket any more: its peer sees the end.
  CHECK(ReadToEnd(passed.far.get()).empty());
}
