// What bytes the values of socket options become, and what is made of those that the kernel
// answers. Not here: errors and the access of rows (options_test.cc).
#include "socket/options.h"

#include <doctest/doctest.h>
#include <errno.h>
#include <limits.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "socket/system_calls.h"
#include "support/sockets.h"

using namespace hawser;
using namespace hawser::testing;

namespace {

// What the replaced calls answer, and what they saw.
struct Script {
  unsigned char answer[kOptionTextBytes] = {0};
  socklen_t answer_length = sizeof(int);
  int calls = 0;
  int level = 0;
  int name = 0;
  std::string written;
};
Script script;

int ScriptedGet(int, int level, int name, void* value, socklen_t* length) {
  script.level = level;
  script.name = name;
  script.calls++;
  socklen_t size = script.answer_length < *length ? script.answer_length : *length;
  std::memcpy(value, script.answer, size);
  *length = script.answer_length;
  return 0;
}

int ScriptedSet(int, int level, int name, const void* value, socklen_t length) {
  script.level = level;
  script.name = name;
  script.written.assign(static_cast<const char*>(value), length);
  script.calls++;
  return 0;
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

}  // namespace

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

TEST_CASE("options: an unsigned number takes 32 bits, and no more") {
  Scripted calls;
  CHECK(SetOption(3, OptionId::kTcpNotSentLowAt, Numbered(-1)) == -ERANGE);
  CHECK(SetOption(3, OptionId::kTcpNotSentLowAt, Numbered(int64_t{UINT_MAX} + 1)) == -ERANGE);
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

TEST_CASE("options: the other end of a Unix socket is this process") {
  Pair pair = UnixPair();
  OptionValue value;
  OptionId id = platform::kIsLinux ? OptionId::kSoPeerCred : OptionId::kLocalPeerCred;
  REQUIRE(GetOption(pair.near.get(), id, &value) == 0);
  CHECK(value.user == static_cast<int64_t>(::geteuid()));
  CHECK(value.group == static_cast<int64_t>(::getegid()));
  CHECK(value.process == (platform::kIsLinux ? static_cast<int64_t>(::getpid()) : kAbsent));
}
