// A recv(2) that answers from a script, for what no real socket can be made to do on demand.
#ifndef HAWSER_TEST_SUPPORT_SCRIPTED_RECEIVE_H_
#define HAWSER_TEST_SUPPORT_SCRIPTED_RECEIVE_H_

#include <sys/types.h>

#include <cstddef>
#include <vector>

namespace hawser::testing {

// Replaces system_calls.recv: one answer after the other, so many letters r where it is positive,
// the end where it is 0, else -errno; EAGAIN when all are given. RestoreSystemCalls ends it.
void ScriptReceives(std::vector<ssize_t> answers);

// Answers given since then.
size_t ScriptedReceives();

}  // namespace hawser::testing

#endif  // HAWSER_TEST_SUPPORT_SCRIPTED_RECEIVE_H_
