// The addon's entry: what it exports, how a reactor is opened, and the flush.
#include <errno.h>
#include <napi.h>

#include "binding/arguments.h"
#include "binding/datagrams_binding.h"
#include "binding/environment.h"
#include "binding/mask_binding.h"
#include "binding/networks_binding.h"
#include "binding/options_binding.h"
#include "binding/samples_binding.h"
#include "binding/slots_binding.h"

namespace hawser {
namespace {

// flush(): heads to settle. Raw Node-API: this is the one function on the hot path.
napi_value Flush(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  napi_value result = nullptr;
  int32_t heads = 0;
  if (napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data) == napi_ok) {
    heads = static_cast<Environment*>(data)->Flush();
  }
  (void)napi_create_int32(env, heads, &result);
  return result;
}

// Whether JavaScript can take a buffer's memory away, as it cannot from a WebAssembly.Memory. One
// that it can take is gone after this: nobody has asked for anything good with it.
bool IsDetachable(napi_env env, napi_value buffer) {
  return napi_detach_arraybuffer(env, buffer) != napi_detachable_arraybuffer_expected;
}

// open(memory: ArrayBuffer, dispatch, settle, views: Array, blocks: Array): the functions of a new
// reactor, or -errno
Napi::Value Open(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (info.Length() < 5 || !info[0].IsArrayBuffer() || !info[1].IsFunction() ||
      !info[2].IsFunction() || !info[3].IsArray() || !info[4].IsArray() ||
      IsDetachable(env, info[0])) {
    return Napi::Number::New(env, -EINVAL);
  }
  Environment* environment = Environment::Create(env);
  if (environment == nullptr) return Napi::Number::New(env, -ENOMEM);
  int status = environment->Open(info[0].As<Napi::ArrayBuffer>(), info[1].As<Napi::Function>(),
                                 info[2].As<Napi::Function>(), info[3].As<Napi::Array>(),
                                 info[4].As<Napi::Array>());
  if (status < 0) {
    environment->Abandon();
    return Napi::Number::New(env, status);
  }
  Napi::Object functions = Napi::Object::New(env);
  napi_value flush = nullptr;
  if (napi_create_function(env, "flush", NAPI_AUTO_LENGTH, Flush, environment, &flush) == napi_ok) {
    functions.Set("flush", flush);
  }
  RegisterSlots(env, functions, environment);
  RegisterSamples(env, functions, environment);
  RegisterDatagrams(env, functions, environment);
  RegisterNetworkChanges(env, functions, environment);
  return functions;
}

// interfaceIndex(name: string): an index from 1, or -errno
Napi::Value InterfaceIndexOf(const Napi::CallbackInfo& info) {
  char name[IF_NAMESIZE + 1];
  size_t length = 0;
  if (info.Length() < 1 ||
      napi_get_value_string_utf8(info.Env(), info[0], name, sizeof(name), &length) != napi_ok) {
    return Napi::Number::New(info.Env(), -EINVAL);
  }
  int index = length < IF_NAMESIZE ? InterfaceIndex(name) : -ENODEV;
  return Napi::Number::New(info.Env(), index);
}

// interfaceName(index: number): a name, or "" when there is no such interface
Napi::Value InterfaceNameOf(const Napi::CallbackInfo& info) {
  char name[IF_NAMESIZE] = "";
  if (InterfaceName(IntegerArgument(info, 0, 0), name) < 0) name[0] = '\0';
  return Napi::String::New(info.Env(), name);
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports.Set("open", Napi::Function::New(env, Open, "open"));
  exports.Set("memoryBytes", Napi::Number::New(env, static_cast<double>(records::kTotalBytes)));
  exports.Set("interfaceIndex", Napi::Function::New(env, InterfaceIndexOf, "interfaceIndex"));
  exports.Set("interfaceName", Napi::Function::New(env, InterfaceNameOf, "interfaceName"));
  RegisterOptions(env, exports);
  RegisterNetworks(env, exports);
  RegisterMask(env, exports);
  return exports;
}

NODE_API_MODULE(hawser, Init)

}  // namespace
}  // namespace hawser
