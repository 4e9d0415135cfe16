// The owned descriptor (descriptor.h): closed once, by whoever holds it last.
#include "socket/descriptor.h"

#include <doctest/doctest.h>
#include <errno.h>

#include <utility>
#include <vector>

using namespace hawser;

namespace {

std::vector<int> closed;

struct Watched {
  Watched() {
    closed.clear();
    system_calls.close = [](int descriptor) {
      closed.push_back(descriptor);
      errno = EINTR;
      return -1;
    };
  }
  ~Watched() { system_calls = kRealSystemCalls; }
};

using Closed = std::vector<int>;

}  // namespace

TEST_CASE("descriptor: closed once at the end, even where close says EINTR") {
  Watched watched;
  { Descriptor owned(70); }
  CHECK(closed == Closed{70});
}

TEST_CASE("descriptor: one that holds nothing closes nothing") {
  Watched watched;
  {
    Descriptor none;
    CHECK_FALSE(none.open());
    CHECK(none.get() == -1);
    Descriptor failed(-EMFILE);
    CHECK_FALSE(failed.open());
  }
  CHECK(closed.empty());
}

TEST_CASE("descriptor: a released or moved one is somebody else's") {
  Watched watched;
  {
    Descriptor first(71);
    Descriptor second(std::move(first));
    CHECK(second.get() == 71);
    CHECK_FALSE(first.open());
    CHECK(second.Release() == 71);
    CHECK(closed.empty());
  }
  CHECK(closed.empty());
}

TEST_CASE("descriptor: assignment closes what was held before, and to itself it does nothing") {
  Watched watched;
  Descriptor held(72);
  held = Descriptor(73);
  CHECK(closed == Closed{72});
  Descriptor& same = held;
  held = std::move(same);
  CHECK(held.get() == 73);
  held.Reset();
  held.Reset();
  CHECK(closed == Closed{72, 73});
}
