// Reading arguments of any type without throwing. TypeScript checks what users pass; this only
// makes sure that nothing that reaches the binding can crash it. What does not fit is -EINVAL.
#ifndef HAWSER_BINDING_ARGUMENTS_H_
#define HAWSER_BINDING_ARGUMENTS_H_

#include <napi.h>

#include <cmath>
#include <cstdint>
#include <cstring>

#include "reactor/reactor.h"

namespace hawser {

// A 32-bit integer; anything else leaves `fallback`, which must be a value that is refused.
inline int32_t IntegerArgument(const Napi::CallbackInfo& info, size_t at, int32_t fallback) {
  double value = 0;
  if (at >= info.Length() || napi_get_value_double(info.Env(), info[at], &value) != napi_ok) {
    return fallback;
  }
  if (!(value >= INT32_MIN && value <= INT32_MAX) || value != std::floor(value)) return fallback;
  return static_cast<int32_t>(value);
}

inline bool BooleanArgument(const Napi::CallbackInfo& info, size_t at) {
  bool value = false;
  return at < info.Length() && napi_get_value_bool(info.Env(), info[at], &value) == napi_ok &&
         value;
}

// The name of a slot in two arguments; index -1 when they are none.
inline SlotName SlotArgument(const Napi::CallbackInfo& info, size_t at) {
  return {IntegerArgument(info, at, -1), IntegerArgument(info, at + 1, 0)};
}

// The bytes of a Uint8Array. False for anything else, and for a detached one.
struct BytesArgument {
  uint8_t* data = nullptr;
  size_t size = 0;
};
inline bool ReadBytes(const Napi::CallbackInfo& info, size_t at, BytesArgument* out) {
  bool is_typed_array = false;
  if (at >= info.Length() || napi_is_typedarray(info.Env(), info[at], &is_typed_array) != napi_ok ||
      !is_typed_array) {
    return false;
  }
  napi_typedarray_type type = napi_int8_array;
  void* data = nullptr;
  if (napi_get_typedarray_info(info.Env(), info[at], &type, &out->size, &data, nullptr, nullptr) !=
          napi_ok ||
      type != napi_uint8_array || (data == nullptr && out->size > 0)) {
    return false;
  }
  out->data = static_cast<uint8_t*>(data);
  return true;
}

// An Int32Array with room for at least `count` words.
inline int32_t* ReadWords(const Napi::CallbackInfo& info, size_t at, size_t count) {
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
      type != napi_int32_array || length < count) {
    return nullptr;
  }
  return static_cast<int32_t*>(data);
}

// An address in one argument: a Uint8Array of 24 bytes (FlatAddress), or the bytes of a Unix path
// when `is_path`. For an IP address the domain is that of the socket. 0, or -errno.
inline int ReadAddress(const Napi::CallbackInfo& info, size_t at, bool is_path, int domain,
                       SocketAddress* out) {
  BytesArgument bytes;
  if (!ReadBytes(info, at, &bytes)) return -EINVAL;
  if (is_path) {
    return domain == AF_UNIX
               ? ToUnixAddress(reinterpret_cast<const char*>(bytes.data), bytes.size, out)
               : -EAFNOSUPPORT;
  }
  if (bytes.size != sizeof(FlatAddress)) return -EINVAL;
  FlatAddress flat;
  std::memcpy(&flat, bytes.data, sizeof(flat));
  return ToSocketAddress(flat, domain, out);
}

}  // namespace hawser

#endif  // HAWSER_BINDING_ARGUMENTS_H_
