// getsockopt and setsockopt over the table (options.cc): errnos and EINTR. What each option does is
// tested from TypeScript, row by row.
#include "socket/options.h"

#include <doctest/doctest.h>
#include <errno.h>

#include <cstring>
#include <set>
#include <string>

#include "socket/system_calls.h"
#include "support/sockets.h"

using namespace hawser;
using namespace hawser::testing;

namespace {

struct Restore {
  ~Restore() { system_calls = kRealSystemCalls; }
};
int interruptions = 0;

OptionValue Number(int64_t number) {
  OptionValue value;
  value.number = number;
  return value;
}

}  // namespace

TEST_CASE("options: every row has a name of its own, and there is nothing beyond the table") {
  std::set<std::string> names;
  for (int i = 0; i < kOptionCount; i++) {
    const Option* option = FindOption(i);
    REQUIRE(option != nullptr);
    CHECK(names.insert(option->name).second);
  }
  CHECK(FindOption(-1) == nullptr);
  CHECK(FindOption(kOptionCount) == nullptr);
  OptionValue value;
  CHECK(GetOption(0, static_cast<OptionId>(kOptionCount), &value) == -EINVAL);
  CHECK(SetOption(0, static_cast<OptionId>(-1), value) == -EINVAL);
}

TEST_CASE("options: what the system lacks is ENOPROTOOPT, without asking the kernel") {
  int lacking = 0;
  for (int i = 0; i < kOptionCount; i++) {
    const Option* option = FindOption(i);
    if (option->constant != kAbsent && option->level != kAbsent) continue;
    CAPTURE(option->name);
    lacking++;
    OptionValue value;
    if (option->access != OptionAccess::kWriteOnly) {
      CHECK(GetOption(-1, static_cast<OptionId>(i), &value) == -ENOPROTOOPT);
    }
    if (option->access != OptionAccess::kReadOnly) {
      CHECK(SetOption(-1, static_cast<OptionId>(i), value) == -ENOPROTOOPT);
    }
  }
  CHECK(lacking > 0);
}

TEST_CASE("options: the access of a row is kept, and a closed descriptor is EBADF") {
  int closed = TcpPair().near.get();
  for (int i = 0; i < kOptionCount; i++) {
    const Option* option = FindOption(i);
    if (option->constant == kAbsent || option->level == kAbsent) continue;
    CAPTURE(option->name);
    OptionValue value;
    int got = GetOption(closed, static_cast<OptionId>(i), &value);
    int set = SetOption(closed, static_cast<OptionId>(i), value);
    bool structure = option->kind == OptionKind::kStructure;
    CHECK(got == (structure || option->access == OptionAccess::kWriteOnly ? -EINVAL : -EBADF));
    bool unwritable = structure || option->kind == OptionKind::kCredentials;
    CHECK(set == (unwritable || option->access == OptionAccess::kReadOnly ? -EINVAL : -EBADF));
  }
}

TEST_CASE("options: a number that its type cannot hold is ERANGE") {
  Fd socket = TcpPair().near;
  for (int64_t number : {int64_t{INT32_MAX} + 1, int64_t{INT32_MIN} - 1, INT64_MAX, INT64_MIN}) {
    CHECK(SetOption(socket.get(), OptionId::kSoRcvBuf, Number(number)) == -ERANGE);
  }
  OptionValue linger = Number(-1);
  linger.enabled = true;
  CHECK(SetOption(socket.get(), OptionId::kSoLinger, linger) == -ERANGE);
}

TEST_CASE("options: a signal repeats both calls") {
  Restore restore;
  system_calls.getsockopt = [](int descriptor, int level, int name, void* value,
                               socklen_t* length) {
    if (interruptions-- > 0) {
      errno = EINTR;
      return -1;
    }
    return ::getsockopt(descriptor, level, name, value, length);
  };
  system_calls.setsockopt = [](int descriptor, int level, int name, const void* value,
                               socklen_t length) {
    if (interruptions-- > 0) {
      errno = EINTR;
      return -1;
    }
    return ::setsockopt(descriptor, level, name, value, length);
  };
  Pair pair = TcpPair();
  OptionValue value;
  interruptions = 2;
  CHECK(SetOption(pair.near.get(), OptionId::kSoKeepAlive, Number(1)) == 0);
  interruptions = 2;
  CHECK(GetOption(pair.near.get(), OptionId::kSoKeepAlive, &value) == 0);
  CHECK(value.number == 1);
}

TEST_CASE("options: an answer of another size than the kind's is EMSGSIZE, a byte is a number") {
  Restore restore;
  static socklen_t answered;
  system_calls.getsockopt = [](int, int, int, void* value, socklen_t* length) {
    std::memset(value, 0, *length);
    static_cast<unsigned char*>(value)[0] = 200;
    *length = answered;
    return 0;
  };
  OptionValue value;
  answered = 1;
  CHECK(GetOption(0, OptionId::kSoRcvBuf, &value) == 0);
  CHECK(value.number == 200);
  for (socklen_t size : {0, 2, 3}) {
    answered = size;
    CHECK(GetOption(0, OptionId::kSoRcvBuf, &value) == -EMSGSIZE);
    CHECK(GetOption(0, OptionId::kSoLinger, &value) == -EMSGSIZE);
  }
}
