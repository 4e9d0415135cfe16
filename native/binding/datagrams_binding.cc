#include "binding/datagrams_binding.h"

#include <errno.h>

#include <cstring>

#include "binding/arguments.h"
#include "binding/environment.h"
#include "socket/membership.h"

namespace hawser {
namespace {

Napi::Value DatagramDrops(const Napi::CallbackInfo& info) {
  Reactor* reactor = static_cast<Environment*>(info.Data())->reactor();
  int64_t drops = reactor == nullptr ? -ENXIO : reactor->DropsOf(SlotArgument(info, 0));
  return Napi::Number::New(info.Env(), static_cast<double>(drops));
}

bool ReadFlat(const Napi::CallbackInfo& info, size_t at, FlatAddress* out) {
  BytesArgument bytes;
  if (!ReadBytes(info, at, &bytes) || bytes.size != sizeof(*out)) return false;
  std::memcpy(out, bytes.data, sizeof(*out));
  return true;
}

Napi::Value Membership(const Napi::CallbackInfo& info) {
  Reactor* reactor = static_cast<Environment*>(info.Data())->reactor();
  FlatAddress group;
  FlatAddress source;
  bool has_source = info.Length() > 3 && !info[3].IsUndefined();
  int32_t index = IntegerArgument(info, 4, -1);
  int status = -EINVAL;
  if (reactor == nullptr) {
    status = -ENXIO;
  } else if (ReadFlat(info, 2, &group) && (!has_source || ReadFlat(info, 3, &source)) &&
             index >= 0) {
    int descriptor = reactor->DescriptorOf(SlotArgument(info, 0));
    status = descriptor < 0 ? descriptor
                            : ChangeMembership(descriptor, group, has_source ? &source : nullptr,
                                               index, BooleanArgument(info, 5));
  }
  return Napi::Number::New(info.Env(), status);
}

}  // namespace

void RegisterDatagrams(Napi::Env env, Napi::Object exports, Environment* environment) {
  exports.Set("datagramDrops",
              Napi::Function::New(env, DatagramDrops, "datagramDrops", environment));
  exports.Set("changeMembership",
              Napi::Function::New(env, Membership, "changeMembership", environment));
}

}  // namespace hawser
