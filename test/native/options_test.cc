// Socket options over real sockets, and what is made of what the system calls answer.
#include "socket/options.h"

#include <doctest/doctest.h>
#include <errno.h>
#include <limits.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <set>
#include <string>

#include "socket/system_calls.h"
#include "support/sockets.h"

using namespace hawser;
using namespace hawser::testing;

namespace {

// What the replaced calls answer, and what they saw.
struct Script {
  int failures = 0;  // calls that fail first
  int error = 0;
  unsigned char answer[kOptionTextBytes] = {0};
  socklen_t answer_length = sizeof(int);
  int calls = 0;
  int level = 0;
  int name = 0;
  std::string written;
};
Script script;

int Next() {
  script.calls++;
  if (script.failures == 0) return 0;
  script.failures--;
  errno = script.error;
  return -1;
}

int ScriptedGet(int, int level, int name, void* value, socklen_t* length) {
  script.level = level;
  script.name = name;
  if (Next() < 0) return -1;
  socklen_t size = script.answer_length < *length ? script.answer_length : *length;
  std::memcpy(value, script.answer, size);
  *length = script.answer_length;
  return 0;
}

int ScriptedSet(int, int level, int name, const void* value, socklen_t length) {
  script.level = level;
  script.name = name;
  script.written.assign(static_cast<const char*>(value), length);
  return Next();
}

// The scripted calls stand in for the kernel's during a test.
class Scripted {
 public:
  Scripted() {
    script = Script();
    system_calls.getsockopt = ScriptedGet;
    system_calls.setsockopt = ScriptedSet;
  }
  ~Scripted() { system_calls = kRealSystemCalls; }
};

template <typename T>
void Answer(const T& value, socklen_t length = sizeof(T)) {
  std::memcpy(script.answer, &value, sizeof(value));
  script.answer_length = length;
}

OptionValue Numbered(int64_t number) {
  OptionValue value;
  value.number = number;
  return value;
}

constexpr OptionId kAbsentHere =
    platform::kIsLinux ? OptionId::kTcpKeepAlive : OptionId::kTcpKeepIdle;

}  // namespace

TEST_CASE("options: every row has a name of its own and a place") {
  std::set<std::string> names;
  for (int i = 0; i < kOptionCount; i++) {
    const Option* option = FindOption(i);
    REQUIRE(option != nullptr);
    CHECK(names.insert(option->name).second);
    CHECK_MESSAGE(option->constant >= kAbsent, option->name);
  }
  CHECK(FindOption(-1) == nullptr);
  CHECK(FindOption(kOptionCount) == nullptr);
  CHECK(FindOption(INT_MIN) == nullptr);
}

TEST_CASE("options: what is set on a socket is read back") {
  Pair pair = TcpPair();
  int fd = pair.near.get();
  OptionValue value;
  REQUIRE(GetOption(fd, OptionId::kSoKeepAlive, &value) == 0);
  CHECK(value.number == 0);
  CHECK(SetOption(fd, OptionId::kSoKeepAlive, Numbered(1)) == 0);
  REQUIRE(GetOption(fd, OptionId::kSoKeepAlive, &value) == 0);
  CHECK(value.number == 1);

  OptionValue linger = Numbered(7);
  linger.enabled = true;
  CHECK(SetOption(fd, OptionId::kSoLinger, linger) == 0);
  REQUIRE(GetOption(fd, OptionId::kSoLinger, &value) == 0);
  CHECK(value.enabled);
  CHECK(value.number == 7);
}

TEST_CASE("options: the other end of a Unix socket is this process") {
  Pair pair = UnixPair();
  OptionValue value;
  OptionId id = platform::kIsLinux ? OptionId::kSoPeerCred : OptionId::kLocalPeerCred;
  REQUIRE(GetOption(pair.near.get(), id, &value) == 0);
  CHECK(value.user == static_cast<int64_t>(::geteuid()));
  CHECK(value.group == static_cast<int64_t>(::getegid()));
  CHECK(value.process == (platform::kIsLinux ? static_cast<int64_t>(::getpid()) : kAbsent));
}

TEST_CASE("options: what this system lacks is ENOPROTOOPT without a system call") {
  Scripted calls;
  OptionValue value;
  CHECK(GetOption(3, kAbsentHere, &value) == -ENOPROTOOPT);
  CHECK(SetOption(3, kAbsentHere, Numbered(1)) == -ENOPROTOOPT);
  CHECK(script.calls == 0);
}

TEST_CASE("options: reading what is only set, setting what is only read, and structures: EINVAL") {
  Scripted calls;
  OptionValue value;
  CHECK(GetOption(3, OptionId::kSoRcvBufForce, &value) == -EINVAL);
  CHECK(SetOption(3, OptionId::kSoType, Numbered(1)) == -EINVAL);
  CHECK(SetOption(3, OptionId::kSoPeerCred, Numbered(1)) == -EINVAL);
  OptionId structure = platform::kIsLinux ? OptionId::kTcpInfo : OptionId::kTcpConnectionInfo;
  CHECK(GetOption(3, structure, &value) == -EINVAL);
  CHECK(GetOption(3, OptionId::kCount, &value) == -EINVAL);
  CHECK(SetOption(3, static_cast<OptionId>(-1), Numbered(1)) == -EINVAL);
  CHECK(script.calls == 0);
}

TEST_CASE("options: a call that a signal interrupts is repeated, any other error is told") {
  Scripted calls;
  OptionValue value;
  script.failures = 3;
  script.error = EINTR;
  CHECK(GetOption(3, OptionId::kSoType, &value) == 0);
  CHECK(script.calls == 4);
  script.failures = 2;
  CHECK(SetOption(3, OptionId::kSoKeepAlive, Numbered(1)) == 0);
  CHECK(script.calls == 7);
  script.failures = 1;
  script.error = EPERM;
  CHECK(SetOption(3, OptionId::kSoKeepAlive, Numbered(1)) == -EPERM);
  script.failures = 1;
  CHECK(GetOption(3, OptionId::kSoType, &value) == -EPERM);
}

TEST_CASE("options: numbers are an int, an unsigned int, a flag or one byte") {
  Scripted calls;
  OptionValue value;
  Answer(-1);
  REQUIRE(GetOption(3, OptionId::kIpTtl, &value) == 0);
  CHECK(value.number == -1);
  REQUIRE(GetOption(3, OptionId::kTcpNotSentLowAt, &value) == 0);
  CHECK(value.number == int64_t{UINT_MAX});
  // XNU answers with the flag's bit.
  Answer(8);
  REQUIRE(GetOption(3, OptionId::kSoKeepAlive, &value) == 0);
  CHECK(value.number == 1);
  Answer(static_cast<unsigned char>(200));
  REQUIRE(GetOption(3, OptionId::kIpMulticastTtl, &value) == 0);
  CHECK(value.number == 200);
  Answer(short{5});
  CHECK(GetOption(3, OptionId::kIpTtl, &value) == -EMSGSIZE);
}

TEST_CASE("options: a number that its type cannot hold is ERANGE without a system call") {
  Scripted calls;
  CHECK(SetOption(3, OptionId::kIpTtl, Numbered(int64_t{INT_MAX} + 1)) == -ERANGE);
  CHECK(SetOption(3, OptionId::kIpTtl, Numbered(int64_t{INT_MIN} - 1)) == -ERANGE);
  CHECK(SetOption(3, OptionId::kTcpNotSentLowAt, Numbered(-1)) == -ERANGE);
  CHECK(SetOption(3, OptionId::kTcpNotSentLowAt, Numbered(int64_t{UINT_MAX} + 1)) == -ERANGE);
  CHECK(SetOption(3, OptionId::kSoLinger, Numbered(-1)) == -ERANGE);
  CHECK(script.calls == 0);
  CHECK(SetOption(3, OptionId::kTcpNotSentLowAt, Numbered(UINT_MAX)) == 0);
  CHECK(script.written == std::string(4, '\xff'));
  CHECK(script.level == IPPROTO_TCP);
  CHECK(script.name == platform::kTcpNotSentLowAt);
}

TEST_CASE("options: an interface is set by its address or by its index") {
  Scripted calls;
  OptionValue value;
  value.address[0] = 127;
  value.address[3] = 1;
  CHECK(SetOption(3, OptionId::kIpMulticastIf, value) == 0);
  CHECK(script.written == std::string("\x7f\0\0\1", 4));
  value.has_index = true;
  value.number = 5;
  CHECK(SetOption(3, OptionId::kIpMulticastIf, value) == 0);
  ip_mreqn request;
  REQUIRE(script.written.size() == sizeof(request));
  std::memcpy(&request, script.written.data(), sizeof(request));
  CHECK(request.imr_ifindex == 5);
  CHECK(request.imr_address.s_addr == 0);
  value.number = -1;
  CHECK(SetOption(3, OptionId::kIpMulticastIf, value) == -ERANGE);
}

TEST_CASE("options: text of any length ends in zero, and too long a text is not set") {
  Scripted calls;
  OptionValue value;
  std::memset(script.answer, 'x', sizeof(script.answer));
  script.answer_length = kOptionTextBytes;
  REQUIRE(GetOption(3, OptionId::kSoBindToDevice, &value) == 0);
  CHECK(std::string(value.text) == std::string(kOptionTextBytes - 1, 'x'));
  script.answer_length = 0;
  REQUIRE(GetOption(3, OptionId::kSoBindToDevice, &value) == 0);
  CHECK(std::string(value.text).empty());
  script.answer_length = kOptionTextBytes + 1;
  CHECK(GetOption(3, OptionId::kSoBindToDevice, &value) == -EMSGSIZE);

  std::memset(value.text, 'y', sizeof(value.text));
  CHECK(SetOption(3, OptionId::kSoBindToDevice, value) == -ERANGE);
  std::memcpy(value.text, "lo", 3);
  CHECK(SetOption(3, OptionId::kSoBindToDevice, value) == 0);
  CHECK(script.written == std::string("lo\0", 3));
}

TEST_CASE("options: an answer of another size is EMSGSIZE") {
  Scripted calls;
  OptionValue value;
  script.answer_length = 2;
  CHECK(GetOption(3, OptionId::kSoLinger, &value) == -EMSGSIZE);
  CHECK(GetOption(3, OptionId::kIpMulticastIf, &value) == -EMSGSIZE);
  OptionId id = platform::kIsLinux ? OptionId::kSoPeerCred : OptionId::kLocalPeerCred;
  CHECK(GetOption(3, id, &value) == -EMSGSIZE);
}
