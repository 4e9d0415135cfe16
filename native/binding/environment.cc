#include "binding/environment.h"

#include <errno.h>

#include <new>

namespace hawser {

Environment* Environment::Create(napi_env env) {
  auto* self = new (std::nothrow) Environment(env);
  if (self == nullptr) return nullptr;
  if (napi_add_async_cleanup_hook(env, OnCleanup, self, &self->cleanup_hook_) != napi_ok) {
    delete self;
    return nullptr;
  }
  return self;
}

Environment::~Environment() {
  for (napi_ref* reference : {&memory_, &dispatch_, &settle_, &views_, &blocks_}) {
    if (*reference != nullptr) (void)napi_delete_reference(env_, *reference);
  }
}

int Environment::Open(Napi::ArrayBuffer memory, Napi::Function dispatch, Napi::Function settle,
                      Napi::Array views, Napi::Array blocks) {
  if (memory.ByteLength() < records::kTotalBytes) return -EINVAL;
  uv_loop_s* loop = nullptr;
  if (napi_get_uv_event_loop(env_, &loop) != napi_ok) return -ENOSYS;
  // Strong references: the memory must outlive the reactor, whatever JavaScript forgets.
  if (napi_create_reference(env_, memory, 1, &memory_) != napi_ok ||
      napi_create_reference(env_, dispatch, 1, &dispatch_) != napi_ok ||
      napi_create_reference(env_, settle, 1, &settle_) != napi_ok ||
      napi_create_reference(env_, views, 1, &views_) != napi_ok ||
      napi_create_reference(env_, blocks, 1, &blocks_) != napi_ok) {
    return -ENOMEM;
  }
  int status = reactor_.Open(SharedMemory(static_cast<uint8_t*>(memory.Data())));
  if (status < 0) return status;
  status = bridge_.Start(loop, reactor_.descriptor(), this, OnTurn);
  if (status < 0) {
    reactor_.Close();
    return status;
  }
  open_ = true;
  return 0;
}

void Environment::Abandon() {
  napi_async_cleanup_hook_handle hook = cleanup_hook_;
  delete this;
  (void)napi_remove_async_cleanup_hook(hook);
}

int32_t Environment::Flush() {
  if (!open_) return 0;
  int32_t heads = reactor_.Flush();
  ScheduleCarried();
  return heads;
}

void Environment::ScheduleCarried() {
  if (reactor_.carries()) bridge_.SetSpinning(true);
}

void Environment::OnTurn(void* self) { static_cast<Environment*>(self)->RunTurn(); }

void Environment::RunTurn() {
  if (!open_) return;
  napi_handle_scope scope;
  if (napi_open_handle_scope(env_, &scope) != napi_ok) return;
  switch (reactor_.Turn()) {
    case TurnResult::kDone:
      bridge_.SetSpinning(false);
      bridge_.Restart();
      break;
    case TurnResult::kCarry:
      bridge_.SetSpinning(true);
      bridge_.Restart();
      break;
    case TurnResult::kNested:
      // The outer turn restarts the poll; until then a nested loop must not spin on it.
      bridge_.Stop();
      break;
  }
  (void)napi_close_handle_scope(env_, scope);
}

// Calls into JavaScript, with its microtasks and next ticks. False when it was refused.
bool Environment::Call(napi_ref function, int32_t argument) {
  napi_handle_scope scope;
  if (napi_open_handle_scope(env_, &scope) != napi_ok) return false;
  napi_value callee = nullptr;
  napi_value receiver = nullptr;
  napi_value number = nullptr;
  napi_value ignored = nullptr;
  napi_status status = napi_generic_failure;
  if (napi_get_reference_value(env_, function, &callee) == napi_ok && callee != nullptr &&
      napi_get_global(env_, &receiver) == napi_ok &&
      napi_create_int32(env_, argument, &number) == napi_ok) {
    status = napi_make_callback(env_, nullptr, receiver, callee, 1, &number, &ignored);
  }
  if (status == napi_pending_exception) {
    // The dispatcher catches what handlers throw; what comes here is its own defect. It is reported
    // like any uncaught exception and the turn goes on.
    napi_value error = nullptr;
    bool pending = false;
    if (napi_is_exception_pending(env_, &pending) == napi_ok && pending &&
        napi_get_and_clear_last_exception(env_, &error) == napi_ok) {
      (void)napi_fatal_exception(env_, error);
      status = napi_ok;
    }
  }
  (void)napi_close_handle_scope(env_, scope);
  return status == napi_ok;
}

bool Environment::Dispatch(int32_t completions) { return Call(dispatch_, completions); }

void Environment::Settle(int32_t heads) { (void)Call(settle_, heads); }

// The memory of a Uint8Array in an array of them.
bool Environment::Resolve(napi_ref array, int32_t index, uint8_t** data, size_t* size) {
  if (index < 0) return false;
  napi_handle_scope scope;
  if (napi_open_handle_scope(env_, &scope) != napi_ok) return false;
  napi_value values = nullptr;
  napi_value view = nullptr;
  bool is_typed_array = false;
  napi_typedarray_type type = napi_int8_array;
  void* bytes = nullptr;
  size_t length = 0;
  bool found =
      napi_get_reference_value(env_, array, &values) == napi_ok && values != nullptr &&
      napi_get_element(env_, values, static_cast<uint32_t>(index), &view) == napi_ok &&
      napi_is_typedarray(env_, view, &is_typed_array) == napi_ok && is_typed_array &&
      napi_get_typedarray_info(env_, view, &type, &length, &bytes, nullptr, nullptr) == napi_ok &&
      type == napi_uint8_array;
  (void)napi_close_handle_scope(env_, scope);
  // A detached buffer has no memory, and a length of 0.
  if (!found || (bytes == nullptr && length > 0)) return false;
  *data = static_cast<uint8_t*>(bytes);
  *size = length;
  return true;
}

bool Environment::ResolveView(int32_t index, const uint8_t** data, size_t* size) {
  uint8_t* bytes = nullptr;
  if (!Resolve(views_, index, &bytes, size)) return false;
  *data = bytes;
  return true;
}

bool Environment::ResolveBlock(int32_t index, uint8_t** data, size_t* size) {
  return Resolve(blocks_, index, data, size);
}

void Environment::ReferencesChanged(bool any) { bridge_.SetReferenced(any); }

void Environment::OnCleanup(napi_async_cleanup_hook_handle, void* data) {
  auto* self = static_cast<Environment*>(data);
  self->open_ = false;
  // Leave the loop before the poller's descriptor goes.
  self->bridge_.Stop();
  self->reactor_.Close();
  self->bridge_.Close(self, OnClosed);
}

void Environment::OnClosed(void* data) {
  auto* self = static_cast<Environment*>(data);
  napi_async_cleanup_hook_handle hook = self->cleanup_hook_;
  delete self;
  // Last of all: after this the addon may be unmapped.
  (void)napi_remove_async_cleanup_hook(hook);
}

}  // namespace hawser
