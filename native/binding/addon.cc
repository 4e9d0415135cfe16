// The addon's entry: what it exports, and the two functions that start the reactor and flush it.
#include <errno.h>
#include <napi.h>

#include "binding/environment.h"
#include "binding/options_binding.h"
#include "binding/slots_binding.h"

namespace hawser {
namespace {

// open(memory: ArrayBuffer, dispatch, settle, views: Array): 0 or -errno
Napi::Value Open(const Napi::CallbackInfo& info) {
  int status = -EINVAL;
  if (info.Length() >= 4 && info[0].IsArrayBuffer() && info[1].IsFunction() &&
      info[2].IsFunction() && info[3].IsArray()) {
    status = static_cast<Environment*>(info.Data())
                 ->Open(info[0].As<Napi::ArrayBuffer>(), info[1].As<Napi::Function>(),
                        info[2].As<Napi::Function>(), info[3].As<Napi::Array>());
  }
  return Napi::Number::New(info.Env(), status);
}

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

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  Environment* environment = Environment::Create(env);
  if (environment == nullptr) {
    Napi::Error::New(env, "hawser: not enough memory to load").ThrowAsJavaScriptException();
    return exports;
  }
  napi_value flush = nullptr;
  if (napi_create_function(env, "flush", NAPI_AUTO_LENGTH, Flush, environment, &flush) == napi_ok) {
    exports.Set("flush", flush);
  }
  exports.Set("open", Napi::Function::New(env, Open, "open", environment));
  exports.Set("memoryBytes", Napi::Number::New(env, static_cast<double>(records::kTotalBytes)));
  RegisterSlots(env, exports, environment);
  RegisterOptions(env, exports);
  return exports;
}

NODE_API_MODULE(hawser, Init)

}  // namespace
}  // namespace hawser
