#include "binding/datagrams_binding.h"

#include <errno.h>

#include <cstring>
#include <vector>

#include "binding/arguments.h"
#include "binding/environment.h"
#include "socket/interfaces.h"

namespace hawser {
namespace {

Napi::Value DatagramDrops(const Napi::CallbackInfo& info) {
  Reactor* reactor = static_cast<Environment*>(info.Data())->reactor();
  int64_t drops = reactor == nullptr ? -ENXIO : reactor->DropsOf(SlotArgument(info, 0));
  return Napi::Number::New(info.Env(), static_cast<double>(drops));
}

Napi::Value FlatBytes(Napi::Env env, const FlatAddress& flat) {
  Napi::Uint8Array bytes = Napi::Uint8Array::New(env, sizeof(flat));
  std::memcpy(bytes.Data(), &flat, sizeof(flat));
  return bytes;
}

Napi::Value Interfaces(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::vector<InterfaceEntry> entries;
  int status = ListInterfaces(&entries);
  if (status < 0) return Napi::Number::New(env, status);
  Napi::Array list = Napi::Array::New(env);
  uint32_t at = 0;
  for (const InterfaceEntry& entry : entries) {
    list.Set(at++, Napi::String::New(env, entry.name));
    list.Set(at++, Napi::Number::New(env, entry.index));
    list.Set(at++, Napi::Number::New(env, entry.flags));
    list.Set(at++, Napi::Number::New(env, entry.mtu));
    list.Set(at++, FlatBytes(env, entry.address));
    list.Set(at++, Napi::Number::New(env, entry.prefix_length));
    list.Set(at++, FlatBytes(env, entry.broadcast));
  }
  return list;
}

}  // namespace

void RegisterDatagrams(Napi::Env env, Napi::Object exports, Environment* environment) {
  exports.Set("datagramDrops",
              Napi::Function::New(env, DatagramDrops, "datagramDrops", environment));
}

void RegisterInterfaces(Napi::Env env, Napi::Object exports) {
  exports.Set("interfaces", Napi::Function::New(env, Interfaces, "interfaces"));
}

}  // namespace hawser
