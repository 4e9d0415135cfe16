// Puts errors into the replaceable system calls, some calls later and for so many of them, and
// counts what is open, so that nothing is left behind unseen. Not here: the pollers' own calls
// (poller_faults.h).
#ifndef HAWSER_TEST_SUPPORT_SYSCALL_FAULTS_H_
#define HAWSER_TEST_SUPPORT_SYSCALL_FAULTS_H_

#include <errno.h>

#include "socket/system_calls.h"
#include "support/world.h"

namespace hawser::testing {

// One fault at a time, in one call.
struct Fault {
  int error = 0;
  int calls = 0;      // that still fail
  int met = 0;        // that have failed
  bool does = false;  // the call is made, and the error said all the same
};
inline Fault fault;

inline constexpr int kAlways = 1 << 30;

template <auto Call>
struct Faulty;

template <typename Result, typename... Arguments, Result (*SystemCalls::*Call)(Arguments...)>
struct Faulty<Call> {
  static Result Make(Arguments... arguments) {
    if (fault.calls == 0) return (kRealSystemCalls.*Call)(arguments...);
    fault.calls--;
    fault.met++;
    if (fault.does) (void)(kRealSystemCalls.*Call)(arguments...);
    errno = fault.error;
    return -1;
  }
};

// The next `calls` of this call fail. RestoreSystemCalls ends it.
template <auto Call>
void Inject(int error, int calls = 1, bool does = false) {
  fault = {error, calls, 0, does};
  system_calls.*Call = Faulty<Call>::Make;
}

// Descriptors open in this process.
int OpenDescriptors();

bool IsOpen(int descriptor);

// Turns as long as one is due. False when that does not end.
bool ComesToRest(World* world);

}  // namespace hawser::testing

#endif  // HAWSER_TEST_SUPPORT_SYSCALL_FAULTS_H_
