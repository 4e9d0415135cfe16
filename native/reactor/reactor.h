// The reactor: slots, the turn and the flush. It owns the poller and every open socket, and knows
// no Node, no protocol, no timer and no policy. reactor.cc holds slots and the turn, receive.cc
// what is done for a ready socket, datagrams.cc the same for datagrams, flush.cc and
// flush_datagrams.cc how submissions go out.
//
// One turn: ask the poller without waiting; serve every ready slot, as far as the shared memory
// goes, writing completions; hand all of them to the host in one call; flush what was submitted
// meanwhile. What could not be served stands in the carry list, first in the next turn.
#ifndef HAWSER_REACTOR_REACTOR_H_
#define HAWSER_REACTOR_REACTOR_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "reactor/poller.h"
#include "reactor/shared_memory.h"
#include "reactor/slot_table.h"
#include "socket/calls.h"
#include "socket/datagram_batch.h"

namespace hawser {

// Who stands above the reactor: Node's binding, or a native test.
class ReactorHost {
 public:
  virtual ~ReactorHost() = default;

  // Delivers the completions of this turn. False when nobody could be called (the environment is
  // ending): the submissions are dropped then.
  virtual bool Dispatch(int32_t completions) = 0;

  // After a flush that left something to tell: heads with a status, or views that are free again.
  virtual void Settle(int32_t heads) = 0;

  // The memory of a view, asked anew at every flush and not kept. False when it is gone.
  virtual bool ResolveView(int32_t index, const uint8_t** data, size_t* size) = 0;

  // Memory to receive into that is given away with what stands in it: one of the receive blocks,
  // asked anew in every turn and not kept. False when there is no such block, or it is gone.
  virtual bool ResolveBlock(int32_t index, uint8_t** data, size_t* size) = 0;

  // The first socket that keeps the process alive came, or the last one went.
  virtual void ReferencesChanged(bool any) = 0;
};

enum class TurnResult {
  kDone,    // nothing is left to do until the poller reports
  kCarry,   // slots are carried: run another turn without waiting
  kNested,  // called from within a turn; nothing was done
};

class Reactor {
 public:
  // The host and the memory outlive the reactor.
  explicit Reactor(ReactorHost* host) : host_(host) {}
  ~Reactor() { Close(); }
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  // 0, or -errno of the poller.
  int Open(SharedMemory memory);

  // Closes every socket and the poller. May be called twice.
  void Close();

  // The poller's descriptor: readable when a turn is due.
  int descriptor() const { return poller_.descriptor(); }
  bool carries() const { return !carry_.empty(); }
  int32_t referenced() const { return referenced_; }
  const SharedMemory& memory() const { return memory_; }

  // ---- slots: each function answers 0 (or a value) or -errno; -EBADF for a stale name

  // socket(2) into a new slot. -ENFILE when there is no slot.
  int OpenSlot(int domain, int type, int protocol, SlotKind kind, SlotName* name);

  // Takes over a descriptor that the caller owns until this succeeds. It becomes non-blocking, and
  // is not watched yet.
  int Adopt(int descriptor, SlotKind kind, SlotName* name);

  // connect(2); the outcome comes as Connected, in a turn, also when it is known at once.
  int StartConnect(SlotName name, const SocketAddress& address);

  // listen(2) and the first credits (-1: no limit).
  int StartListen(SlotName name, int backlog, int32_t credits);

  // Starts to watch a bound or connected datagram socket, or an adopted stream.
  int Watch(SlotName name);

  // Holds back Data, End and Failed, or accepts, until Resume.
  int Pause(SlotName name);
  int Resume(SlotName name);

  // Readiness mode: Readable is told once for each event instead of reading, so the caller reads
  // until EAGAIN. For reads that carry descriptors. Off again, the reactor looks for itself what
  // the caller has left.
  int SetReadiness(SlotName name, bool on);

  // Receives into blocks, as long as there are some, instead of the slab: for large chunks that
  // somebody keeps, which then need no copy.
  int SetInBlocks(SlotName name, bool on);

  // The caller's own send met EAGAIN: Writable is told when there is room.
  int AwaitWritable(SlotName name);

  // Connections that a listener may still accept; -1 is no limit. Resumes it when not 0.
  int SetCredits(SlotName name, int32_t credits);

  // A TCP listener hears of no new handshake from now on; those under way go on (calls.h).
  int RefuseNew(SlotName name);

  // A listener accepts all that the kernel has queued, and is closed in the moment when accept(2)
  // finds nothing: nobody comes in between who would be reset. End says so; AcceptFailed leaves it
  // paused, as ever.
  int CloseWhenEmpty(SlotName name);

  // Whether the socket keeps the process alive.
  int SetReferenced(SlotName name, bool referenced);

  // Closes now, without a flush; with RST when `reset`.
  int CloseSlot(SlotName name, bool reset);

  // Takes the descriptor out of the reactor; it is the caller's then.
  int Release(SlotName name);

  // The descriptor of a live slot or -EBADF; the reactor keeps it.
  int DescriptorOf(SlotName name);

  // The peer as accept or connect saw it.
  int PeerOf(SlotName name, FlatAddress* out);

  // Datagrams that the kernel dropped for want of buffer, as the last one received told
  // (SO_RXQ_OVFL).
  int64_t DropsOf(SlotName name);

  // ---- turns

  TurnResult Turn();

  // Carries out the submissions. The number of heads when one of them has something to tell (a
  // status, or a view that is free again), else 0. The caller looks at them before anything is
  // submitted anew.
  int32_t Flush();

 private:
  void Carry(int32_t index, Slot& slot);
  void Forget(int32_t index, Slot& slot);
  void Retire(int32_t index, Slot& slot);
  int AddToPoller(int32_t index, Slot& slot, uint32_t interest);
  int SetInterest(int32_t index, Slot& slot, uint32_t interest);
  void CountReference(Slot& slot, int change);
  void DropSubmissions();

  // receive.cc
  void Note(const ReadyEvent& event);
  void Collect();
  bool HasRoom() const;
  bool Serve(int32_t index, Slot& slot);
  bool ServeConnect(int32_t index, Slot& slot);
  bool ServeStream(int32_t index, Slot& slot);
  void TellLateFailure(int32_t index, Slot& slot);
  bool ServeListener(int32_t index, Slot& slot);
  bool FindBlockRoom();

  // datagrams.cc
  struct PendingError {
    SlotName slot;
    DatagramError error;
  };
  bool ServeDatagrams(int32_t index, Slot& slot);
  bool MayHaveMore(Slot& slot, int room, int got);
  int PlaceDatagrams(const Slot& slot);
  int ReceiveDatagrams(int32_t index, Slot& slot, int count);
  int EndOfSequence(int count);
  bool CompleteDatagram(int32_t index, Slot& slot, int at, int32_t offset, int followers);
  int DrainErrors(int32_t index, Slot& slot);
  bool TellErrors(int32_t index, Slot& slot);
  void StorePath(const UnixPath& path, FlatAddress* flat);
  void Finish(int32_t index, Slot& slot, int error);
  int AcceptOne(int32_t listener_index, Slot& listener);
  void EndListener(int32_t index, Slot& slot);
  void ReuseEnded();
  int32_t* Complete(int32_t index, const Slot& slot, records::CompletionKind kind, int32_t offset,
                    int32_t length);

  // flush.cc
  struct Chain;
  void FlushHead(int32_t* head);
  bool SendChain(Chain* chain);
  bool SendParts(Chain* chain, iovec* parts, int count, size_t total);
  void FailChain(Chain* chain, int32_t error);
  void Yield(Chain* chain);
  bool EndsInAbort(int32_t first, int32_t count);
  bool FindView(int32_t index);
  bool ResolvePart(const int32_t* record, const uint8_t** bytes);
  void RunOperation(records::Operation operation, Chain* chain);

  // flush_datagrams.cc
  struct DatagramRun;
  bool SendDatagrams(Chain* chain);
  int GatherDatagrams(Chain* chain, DatagramRun* run);
  int AddSegments(Chain* chain, int32_t record, DatagramRun* run);
  void SendRun(Chain* chain, DatagramRun* run);

  // Where the next chunk goes in the receive blocks of this turn.
  struct BlockPlace {
    int32_t index = -1;
    int32_t used = 0;
    int32_t size = 0;
    uint8_t* data = nullptr;
  };

  // The view that this flush asked for last: parts of one are often sent in a row.
  struct ResolvedView {
    int32_t index = -1;
    const uint8_t* data = nullptr;
    size_t size = 0;
  };

  ReactorHost* host_;
  SharedMemory memory_;
  Poller poller_;
  SlotTable slots_;
  std::vector<SlotName> carry_;                  // waiting to be served, oldest first
  std::vector<SlotName> recarry_;                // served in this turn and not empty yet
  std::vector<PendingError> errors_;             // of error queues, to be told
  std::vector<int32_t> ended_;                   // places of listeners, until End is told
  std::unique_ptr<ReceiveBatch> receive_batch_;  // made for the first datagram socket
  std::unique_ptr<SendBatch> send_batch_;
  BlockPlace block_;
  ResolvedView view_;
  int32_t large_used_ = 0;  // places in Large
  int32_t completions_ = 0;
  int32_t slab_used_ = 0;
  int32_t referenced_ = 0;
  bool in_turn_ = false;
};

}  // namespace hawser

#endif  // HAWSER_REACTOR_REACTOR_H_
