// The bridge between Node's event loop and the reactor: one uv_poll on the poller's descriptor, and
// one uv_idle that keeps the loop turning while slots are carried. It alone knows libuv.
#ifndef HAWSER_BINDING_LOOP_BRIDGE_H_
#define HAWSER_BINDING_LOOP_BRIDGE_H_

namespace hawser {

class LoopBridge {
 public:
  // Called by the loop when a turn is due. It may run arbitrary user code, nested loops included.
  using TurnCallback = void (*)(void* owner);
  using ClosedCallback = void (*)(void* owner);

  LoopBridge() = default;
  ~LoopBridge();
  LoopBridge(const LoopBridge&) = delete;
  LoopBridge& operator=(const LoopBridge&) = delete;

  // `loop` is a uv_loop_t. 0, or a negative error of libuv. Nothing keeps the loop alive yet.
  int Start(void* loop, int descriptor, void* owner, TurnCallback turn);

  // Whether the poll keeps the loop alive.
  void SetReferenced(bool referenced);

  // Whether the loop must come back without waiting.
  void SetSpinning(bool spinning);

  // Stops and restarts the poll around a nested loop.
  void Stop();
  void Restart();

  // Closes both handles; `closed` runs when libuv has let go of the last one. With nothing open it
  // runs at once.
  void Close(void* owner, ClosedCallback closed);

 private:
  struct Handles;
  Handles* handles_ = nullptr;
};

}  // namespace hawser

#endif  // HAWSER_BINDING_LOOP_BRIDGE_H_
