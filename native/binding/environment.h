// One reactor in a Node environment (the main thread, or a worker): its bridge to the loop, and the
// references that keep the shared memory and the callbacks alive. It is the reactor's host. A copy
// of the JavaScript side opens one; two copies of the package in one process have one each.
#ifndef HAWSER_BINDING_ENVIRONMENT_H_
#define HAWSER_BINDING_ENVIRONMENT_H_

#include <napi.h>

#include "binding/loop_bridge.h"
#include "reactor/reactor.h"

namespace hawser {

class Environment final : public ReactorHost {
 public:
  // Made when the addon is loaded, and destroyed by itself when the environment ends: after the
  // last close callback of libuv's, so that a terminated worker cannot unmap the addon under it.
  static Environment* Create(napi_env env);

  // Takes the shared memory and the callbacks, opens the poller and joins the loop. Once.
  // 0, or -errno (-EALREADY, -EINVAL).
  int Open(Napi::ArrayBuffer memory, Napi::Function dispatch, Napi::Function settle,
           Napi::Array views, Napi::Array blocks);

  // Gives up what Open could not finish.
  void Abandon();

  // The reactor, or nullptr before Open and after the end.
  Reactor* reactor() { return open_ ? &reactor_ : nullptr; }

  // Carries out the submissions outside a turn, and sees to it that a turn follows if one is due.
  int32_t Flush();

  // Called after every function that may have put a slot into the carry list.
  void ScheduleCarried();

  // ReactorHost
  bool Dispatch(int32_t completions) override;
  void Settle(int32_t heads) override;
  bool ResolveView(int32_t index, const uint8_t** data, size_t* size) override;
  bool ResolveBlock(int32_t index, uint8_t** data, size_t* size) override;
  void ReferencesChanged(bool any) override;

 private:
  explicit Environment(napi_env env) : env_(env), reactor_(this) {}
  ~Environment() override;

  static void OnTurn(void* self);
  static void OnCleanup(napi_async_cleanup_hook_handle hook, void* self);
  static void OnClosed(void* self);
  void RunTurn();
  bool Call(napi_ref function, int32_t argument);
  bool Resolve(napi_ref array, int32_t index, uint8_t** data, size_t* size);

  napi_env env_;
  napi_async_cleanup_hook_handle cleanup_hook_ = nullptr;
  napi_ref memory_ = nullptr;
  napi_ref dispatch_ = nullptr;
  napi_ref settle_ = nullptr;
  napi_ref views_ = nullptr;
  napi_ref blocks_ = nullptr;
  bool open_ = false;
  // Before the reactor, so that it is destroyed after it: closing slots tells the bridge.
  LoopBridge bridge_;
  Reactor reactor_;
};

}  // namespace hawser

#endif  // HAWSER_BINDING_ENVIRONMENT_H_
