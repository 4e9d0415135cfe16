// Connected sockets for tests, made with plain system calls and not with the library's own, and
// ways to wait for what the kernel does. Nothing here sleeps.
#ifndef HAWSER_TEST_SUPPORT_SOCKETS_H_
#define HAWSER_TEST_SUPPORT_SOCKETS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "socket/address.h"

namespace hawser::testing {

// How long a test waits for what must come, in milliseconds.
inline constexpr int kPatience = 5000;

// An owned descriptor that is closed with plain close(2), whatever system_calls holds.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int value) : value_(value) {}
  Fd(Fd&& other) noexcept : value_(other.Release()) {}
  Fd& operator=(Fd&& other) noexcept {
    Close();
    value_ = other.Release();
    return *this;
  }
  ~Fd() { Close(); }

  int get() const { return value_; }
  int Release() { return std::exchange(value_, -1); }
  void Close();

 private:
  int value_ = -1;
};

// Two ends of one connection, both non-blocking.
struct Pair {
  Fd near;
  Fd far;
};

// A listener on loopback, on a port that the kernel chose.
struct Listening {
  Fd descriptor;
  SocketAddress address;
};

Listening ListenOnLoopback(int backlog = 16, int domain = AF_INET);

// A bound loopback address at which nobody listens.
SocketAddress RefusingAddress();

// connect(2), non-blocking, of a new socket.
Fd ConnectTo(const SocketAddress& address);

Pair TcpPair();
Pair UnixPair(int type = SOCK_STREAM);

// Two datagram sockets on loopback; `near` is connected to `far`.
Pair UdpPair();

SocketAddress LocalOf(int descriptor);

// Waits with poll(2) until one of `events` is there. False after kPatience.
bool Await(int descriptor, short events);

// Waits until `count` bytes can be read. False after kPatience.
bool AwaitBytes(int descriptor, int count);

// Waits until the peer's FIN or reset has arrived.
bool AwaitEnd(int descriptor);

// Whether the descriptor has one of `events` at this moment.
bool Has(int descriptor, short events);

void Write(int descriptor, const std::string& bytes);

// Writes until EAGAIN; the number of bytes.
size_t Fill(int descriptor);

// Reads exactly `size` bytes, or what came before the end.
std::string ReadExactly(int descriptor, size_t size);

// Reads until the end or a reset. `*reset` is set when it was one.
std::string ReadToEnd(int descriptor, bool* reset = nullptr);

// Closes so that the peer gets RST.
void Reset(Fd* descriptor);

}  // namespace hawser::testing

#endif  // HAWSER_TEST_SUPPORT_SOCKETS_H_
