#include "binding/networks_binding.h"

#include <errno.h>

#include <cstring>
#include <type_traits>
#include <vector>

#include "binding/arguments.h"
#include "binding/environment.h"
#include "socket/route_socket.h"

namespace hawser {
namespace {

// links(), addresses(), defaultRoutes(): the records as a Uint8Array, or -errno
template <typename Entry, int (*list)(std::vector<Entry>* out)>
Napi::Value List(const Napi::CallbackInfo& info) {
  static_assert(std::is_trivially_copyable_v<Entry>);
  std::vector<Entry> entries;
  int status = list(&entries);
  if (status < 0) return Napi::Number::New(info.Env(), status);
  size_t size = entries.size() * sizeof(Entry);
  Napi::Uint8Array bytes = Napi::Uint8Array::New(info.Env(), size);
  // A worker that is being terminated gets no memory.
  if (size > 0 && bytes.Data() != nullptr) std::memcpy(bytes.Data(), entries.data(), size);
  return bytes;
}

// A flat address, or none where undefined is given.
bool ReadOptionalFlat(const Napi::CallbackInfo& info, size_t at, FlatAddress* out) {
  *out = FlatAddress{};
  if (at >= info.Length() || info[at].IsUndefined()) return true;
  BytesArgument bytes;
  if (!ReadBytes(info, at, &bytes) || bytes.size != sizeof(*out)) return false;
  std::memcpy(out, bytes.data, sizeof(*out));
  return true;
}

// route(destination, source, index, answer: Uint8Array): 0, or -errno
Napi::Value Route(const Napi::CallbackInfo& info) {
  RouteQuestion question;
  BytesArgument out;
  question.index = IntegerArgument(info, 2, -1);
  int status = -EINVAL;
  if (ReadOptionalFlat(info, 0, &question.destination) &&
      ReadOptionalFlat(info, 1, &question.source) && question.index >= 0 &&
      ReadBytes(info, 3, &out) && out.size == sizeof(RouteAnswer)) {
    RouteAnswer answer;
    status = AskRoute(question, &answer);
    if (status == 0) std::memcpy(out.data, &answer, sizeof(answer));
  }
  return Napi::Number::New(info.Env(), status);
}

// A slot that hears of changes and tells Readable for them; it does not keep the process alive.
int OpenChanges(Reactor* reactor, SlotName* name) {
  int status = reactor->OpenSlot(kRouteSocket.domain, kRouteSocket.type, kRouteSocket.protocol,
                                 SlotKind::kStream, name);
  if (status < 0) return status;
  status = SubscribeToChanges(reactor->DescriptorOf(*name));
  if (status == 0) status = reactor->SetReferenced(*name, false);
  if (status == 0) status = reactor->SetReadiness(*name, true);
  if (status == 0) status = reactor->Watch(*name);
  if (status < 0) (void)reactor->CloseSlot(*name, false);
  return status;
}

// openChanges(name: Int32Array): 0, or -errno
Napi::Value OpenChangesCall(const Napi::CallbackInfo& info) {
  Reactor* reactor = static_cast<Environment*>(info.Data())->reactor();
  int32_t* out = ReadWords(info, 0, 2);
  int status = reactor == nullptr ? -ENXIO : -EINVAL;
  if (reactor != nullptr && out != nullptr) {
    SlotName name;
    status = OpenChanges(reactor, &name);
    if (status == 0) {
      out[0] = name.index;
      out[1] = name.generation;
    }
  }
  return Napi::Number::New(info.Env(), status);
}

// readChanges(slot, generation): NetworkChange, or -errno
Napi::Value ReadChangesCall(const Napi::CallbackInfo& info) {
  auto* environment = static_cast<Environment*>(info.Data());
  Reactor* reactor = environment->reactor();
  SlotName name = SlotArgument(info, 0);
  int descriptor = reactor == nullptr ? -ENXIO : reactor->DescriptorOf(name);
  if (descriptor < 0) return Napi::Number::New(info.Env(), descriptor);
  bool more = false;
  NetworkChange changes = ReadChanges(descriptor, &more);
  if (more) {
    // No event is owed for what was left: leaving readiness mode makes the slot look again.
    (void)reactor->SetReadiness(name, false);
    (void)reactor->SetReadiness(name, true);
    environment->ScheduleCarried();
  }
  return Napi::Number::New(info.Env(), changes);
}

}  // namespace

void RegisterNetworks(Napi::Env env, Napi::Object exports) {
  exports.Set("links", Napi::Function::New(env, List<LinkEntry, ListLinks>, "links"));
  exports.Set("addresses",
              Napi::Function::New(env, List<AddressEntry, ListAddresses>, "addresses"));
  exports.Set("defaultRoutes",
              Napi::Function::New(env, List<RouteEntry, ListDefaultRoutes>, "defaultRoutes"));
  exports.Set("route", Napi::Function::New(env, Route, "route"));
}

void RegisterNetworkChanges(Napi::Env env, Napi::Object exports, Environment* environment) {
  exports.Set("openChanges", Napi::Function::New(env, OpenChangesCall, "openChanges", environment));
  exports.Set("readChanges", Napi::Function::New(env, ReadChangesCall, "readChanges", environment));
}

}  // namespace hawser
