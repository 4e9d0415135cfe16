#include "binding/mask_binding.h"

#include "socket/mask.h"

namespace hawser {
namespace {

constexpr size_t kArgumentCount = 5;

// unmask(buffer: Uint8Array, offset, length, key, phase). Raw Node-API: it is called for each long
// message. What does not lie in the buffer is left alone.
napi_value Unmask(napi_env env, napi_callback_info info) {
  napi_value arguments[kArgumentCount];
  size_t count = kArgumentCount;
  bool is_typed_array = false;
  napi_typedarray_type type = napi_int8_array;
  size_t size = 0;
  void* data = nullptr;
  uint32_t offset = 0;
  uint32_t length = 0;
  int32_t key = 0;
  uint32_t phase = 0;
  if (napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr) != napi_ok ||
      count < kArgumentCount || napi_is_typedarray(env, arguments[0], &is_typed_array) != napi_ok ||
      !is_typed_array ||
      napi_get_typedarray_info(env, arguments[0], &type, &size, &data, nullptr, nullptr) !=
          napi_ok ||
      type != napi_uint8_array || data == nullptr ||
      napi_get_value_uint32(env, arguments[1], &offset) != napi_ok ||
      napi_get_value_uint32(env, arguments[2], &length) != napi_ok ||
      napi_get_value_int32(env, arguments[3], &key) != napi_ok ||
      napi_get_value_uint32(env, arguments[4], &phase) != napi_ok) {
    return nullptr;
  }
  if (offset > size || length > size - offset) return nullptr;
  MaskBytes(static_cast<uint8_t*>(data) + offset, length, static_cast<uint32_t>(key), phase & 3);
  return nullptr;
}

}  // namespace

void RegisterMask(Napi::Env env, Napi::Object exports) {
  napi_value unmask = nullptr;
  if (napi_create_function(env, "unmask", NAPI_AUTO_LENGTH, Unmask, nullptr, &unmask) == napi_ok) {
    exports.Set("unmask", unmask);
  }
}

}  // namespace hawser
