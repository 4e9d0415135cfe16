// One slot's submissions while the flush carries them out. Shared by flush.cc and
// flush_datagrams.cc; nothing else includes it.
#ifndef HAWSER_REACTOR_CHAIN_H_
#define HAWSER_REACTOR_CHAIN_H_

#include "reactor/reactor.h"

namespace hawser {

struct Reactor::Chain {
  SlotName name;
  Slot* slot;
  int32_t next;  // index of the record to be looked at
  int32_t left;  // records that may still be followed: a ring in the chain ends here
  int32_t taken = 0;
  int32_t status = 0;
  bool tells = false;  // somebody waits to hear that all was done
};

}  // namespace hawser

#endif  // HAWSER_REACTOR_CHAIN_H_
