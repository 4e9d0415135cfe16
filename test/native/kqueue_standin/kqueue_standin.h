// What tests may ask of the stand-in beyond kqueue(2): faults, and a look at what is registered.
#ifndef HAWSER_TEST_KQUEUE_STANDIN_H_
#define HAWSER_TEST_KQUEUE_STANDIN_H_

namespace kqueue_standin {

// The next EV_ADD of this filter answers `error` in its receipt, once.
void FailNextAdd(int filter, int error);

// Filters registered for a descriptor, in all queues.
int FiltersOf(int descriptor);

}  // namespace kqueue_standin

#endif  // HAWSER_TEST_KQUEUE_STANDIN_H_
