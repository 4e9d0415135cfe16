#include "support/scripted_receive.h"

#include <doctest/doctest.h>
#include <errno.h>

#include <cstring>
#include <utility>

#include "socket/system_calls.h"

namespace hawser::testing {
namespace {

// Never destroyed: no global has a destructor.
std::vector<ssize_t>& Answers() {
  static auto* answers = new std::vector<ssize_t>;
  return *answers;
}
size_t given = 0;

ssize_t Receive(int, void* bytes, size_t size, int) {
  if (given == Answers().size()) {
    errno = EAGAIN;
    return -1;
  }
  ssize_t answer = Answers()[given++];
  if (answer < 0) {
    errno = static_cast<int>(-answer);
    return -1;
  }
  REQUIRE(static_cast<size_t>(answer) <= size);
  std::memset(bytes, 'r', static_cast<size_t>(answer));
  return answer;
}

}  // namespace

void ScriptReceives(std::vector<ssize_t> answers) {
  Answers() = std::move(answers);
  given = 0;
  system_calls.recv = Receive;
}

size_t ScriptedReceives() { return given; }

}  // namespace hawser::testing
