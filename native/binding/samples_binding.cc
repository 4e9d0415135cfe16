#include "binding/samples_binding.h"

#include <errno.h>

#include "binding/arguments.h"
#include "binding/environment.h"
#include "socket/tcp_info.h"

namespace hawser {
namespace {

// Slot and generation: the words of one name in an array of them.
constexpr size_t kNameWords = 2;

// A Float64Array with room for at least `count` values.
double* ReadDoubles(const Napi::CallbackInfo& info, size_t at, size_t count) {
  bool is_typed_array = false;
  if (at >= info.Length() || napi_is_typedarray(info.Env(), info[at], &is_typed_array) != napi_ok ||
      !is_typed_array) {
    return nullptr;
  }
  napi_typedarray_type type = napi_int8_array;
  void* data = nullptr;
  size_t length = 0;
  if (napi_get_typedarray_info(info.Env(), info[at], &type, &length, &data, nullptr, nullptr) !=
          napi_ok ||
      type != napi_float64_array || length < count) {
    return nullptr;
  }
  return static_cast<double*>(data);
}

// sampleTcp(names: Int32Array, count, samples: Float64Array): count, or -errno
int SampleTcp(const Napi::CallbackInfo& info, Reactor* reactor) {
  int32_t count = IntegerArgument(info, 1, -1);
  if (count < 0) return -EINVAL;
  size_t size = static_cast<size_t>(count);
  const int32_t* names = ReadWords(info, 0, size * kNameWords);
  double* samples = ReadDoubles(info, 2, size * kTcpSampleFieldCount);
  // An empty array may have no memory.
  if (count == 0) return 0;
  if (names == nullptr || samples == nullptr) return -EINVAL;
  for (size_t i = 0; i < size; i++) {
    SlotName name{names[i * kNameWords], names[i * kNameWords + 1]};
    // A stale name has the descriptor -EBADF, and its sample says so.
    SampleTcpInfo(reactor->DescriptorOf(name), samples + i * kTcpSampleFieldCount);
  }
  return count;
}

// unacknowledgedBytes(slot, generation): bytes, or -errno
int UnacknowledgedBytesOf(const Napi::CallbackInfo& info, Reactor* reactor) {
  int descriptor = reactor->DescriptorOf(SlotArgument(info, 0));
  return descriptor < 0 ? descriptor : UnacknowledgedBytes(descriptor);
}

template <int (*body)(const Napi::CallbackInfo& info, Reactor* reactor)>
Napi::Value Wrap(const Napi::CallbackInfo& info) {
  Reactor* reactor = static_cast<Environment*>(info.Data())->reactor();
  int result = reactor == nullptr ? -ENXIO : body(info, reactor);
  return Napi::Number::New(info.Env(), result);
}

}  // namespace

void RegisterSamples(Napi::Env env, Napi::Object exports, Environment* environment) {
  exports.Set("sampleTcp", Napi::Function::New(env, Wrap<SampleTcp>, "sampleTcp", environment));
  exports.Set("unacknowledgedBytes", Napi::Function::New(env, Wrap<UnacknowledgedBytesOf>,
                                                         "unacknowledgedBytes", environment));
}

}  // namespace hawser
