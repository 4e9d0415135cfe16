// The table of system-call faults as the tests run it: what may become of a fault, and who tries it
// at which place. Not here: the table (syscall_faults.def), how a call is made to fail
// (syscall_faults.h).
#ifndef HAWSER_TEST_SUPPORT_SYSCALL_TABLE_H_
#define HAWSER_TEST_SUPPORT_SYSCALL_TABLE_H_

#include <map>
#include <string>

#include "support/syscall_faults.h"

namespace hawser::testing {

// What may become of a fault.
enum class Outcome {
  Refused,             // the function answers -errno, keeps nothing, and can be called again
  Pending,             // the connect goes on, and its outcome comes in a turn
  ToldAsConnected,     // Connected with -errno, and nothing else
  Repeated,            // nobody notices
  Waited,              // nothing is told, and nothing forgotten: the next event serves
  NextIsTaken,         // of a connection that is gone: the next one is accepted, nothing told
  ListenerPaused,      // AcceptFailed with -errno, once; after Resume all are accepted
  FailedAfterData,     // Failed with -errno, once, after what was received; then nothing
  Blocked,             // the rest waits for Writable
  Ignored,             // nothing is told, and all goes on
  ClosedOnce,          // the descriptor is closed by one call, whatever that said
  NotAdopted,          // refused, and the descriptor stays the caller's
  AdoptedWithoutPeer,  // all works but the name of the peer
  ToldAndLives,        // Failed with -errno; the next datagram arrives
  ToldAndRests,        // Failed a few times, then silence until there is an event; the loop rests
  OneIsRefused,        // that datagram alone has -errno, the others are sent
  Kept,                // -errno of the flush, with the datagrams as they were
  Unsegmented,         // runs go out as single datagrams
};

struct Row {
  int error;
  Outcome outcome;
};

// Puts one fault in at one place, and looks whether its outcome is the row's.
using Run = void (*)(Row row);
using Runs = std::map<std::string, Run>;

const Runs& OpeningRuns();   // syscall_faults_test.cc
const Runs& StreamRuns();    // syscall_faults_stream_test.cc
const Runs& DatagramRuns();  // syscall_faults_datagram_test.cc

// Runs all rows of these places, looks that no descriptor is left, and prints how many there were.
void RunTable(const Runs& runs);

}  // namespace hawser::testing

#endif  // HAWSER_TEST_SUPPORT_SYSCALL_TABLE_H_
