#include "binding/loop_bridge.h"

#include <cstdlib>
#include <new>

#include "binding/libuv.h"

namespace hawser {

// Lives until libuv's last close callback, which may be later than the bridge itself.
struct LoopBridge::Handles {
  uv_poll_t* poll = nullptr;
  uv_idle_t* idle = nullptr;
  void* owner = nullptr;
  TurnCallback turn = nullptr;
  ClosedCallback closed = nullptr;
  int open = 0;
  bool polling = false;
  bool spinning = false;

  ~Handles() {
    std::free(poll);
    std::free(idle);
  }

  static Handles* Of(uv_handle_t* handle) {
    return static_cast<Handles*>(uv_handle_get_data(handle));
  }

  // A poll that libuv fails (the descriptor is bad) is a turn too: the reactor finds out what it
  // is.
  static void OnPoll(uv_poll_t* poll, int, int) {
    Handles* self = Of(reinterpret_cast<uv_handle_t*>(poll));
    self->turn(self->owner);
  }

  static void OnIdle(uv_idle_t* idle) {
    Handles* self = Of(reinterpret_cast<uv_handle_t*>(idle));
    self->turn(self->owner);
  }

  static void OnClosed(uv_handle_t* handle) {
    Handles* self = Of(handle);
    if (--self->open > 0) return;
    ClosedCallback closed = self->closed;
    void* owner = self->owner;
    delete self;
    if (closed != nullptr) closed(owner);
  }
};

namespace {

uv_handle_t* Handle(uv_poll_t* poll) { return reinterpret_cast<uv_handle_t*>(poll); }
uv_handle_t* Handle(uv_idle_t* idle) { return reinterpret_cast<uv_handle_t*>(idle); }

}  // namespace

LoopBridge::~LoopBridge() { Close(nullptr, nullptr); }

int LoopBridge::Start(void* loop, int descriptor, void* owner, TurnCallback turn) {
  constexpr int kOutOfMemory = -12;  // UV_ENOMEM
  auto* handles = new (std::nothrow) Handles();
  if (handles == nullptr) return kOutOfMemory;
  handles->poll = static_cast<uv_poll_t*>(std::calloc(1, uv_handle_size(HAWSER_UV_POLL)));
  handles->idle = static_cast<uv_idle_t*>(std::calloc(1, uv_handle_size(HAWSER_UV_IDLE)));
  if (handles->poll == nullptr || handles->idle == nullptr) {
    delete handles;
    return kOutOfMemory;
  }
  handles->owner = owner;
  handles->turn = turn;
  auto* uv_loop = static_cast<uv_loop_t*>(loop);
  int status = uv_poll_init(uv_loop, handles->poll, descriptor);
  if (status < 0) {
    delete handles;
    return status;
  }
  (void)uv_idle_init(uv_loop, handles->idle);  // cannot fail
  handles->open = 2;
  uv_handle_set_data(Handle(handles->poll), handles);
  uv_handle_set_data(Handle(handles->idle), handles);
  uv_unref(Handle(handles->poll));
  // The idle handle only shortens the wait; what keeps the process alive is the poll.
  uv_unref(Handle(handles->idle));
  handles_ = handles;
  Restart();
  return 0;
}

void LoopBridge::SetReferenced(bool referenced) {
  if (handles_ == nullptr) return;
  if (referenced) {
    uv_ref(Handle(handles_->poll));
  } else {
    uv_unref(Handle(handles_->poll));
  }
}

void LoopBridge::SetSpinning(bool spinning) {
  if (handles_ == nullptr || handles_->spinning == spinning) return;
  handles_->spinning = spinning;
  if (spinning) {
    (void)uv_idle_start(handles_->idle, Handles::OnIdle);
  } else {
    (void)uv_idle_stop(handles_->idle);
  }
}

void LoopBridge::Stop() {
  if (handles_ == nullptr) return;
  SetSpinning(false);
  if (handles_->polling) (void)uv_poll_stop(handles_->poll);
  handles_->polling = false;
}

void LoopBridge::Restart() {
  if (handles_ == nullptr || handles_->polling) return;
  handles_->polling = uv_poll_start(handles_->poll, HAWSER_UV_READABLE, Handles::OnPoll) == 0;
}

void LoopBridge::Close(void* owner, ClosedCallback closed) {
  if (handles_ == nullptr) {
    if (closed != nullptr) closed(owner);
    return;
  }
  Stop();
  Handles* handles = handles_;
  handles_ = nullptr;
  handles->owner = owner;
  handles->closed = closed;
  uv_close(Handle(handles->poll), Handles::OnClosed);
  uv_close(Handle(handles->idle), Handles::OnClosed);
}

}  // namespace hawser
