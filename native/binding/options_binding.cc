#include "binding/options_binding.h"

#include <arpa/inet.h>

#include <cerrno>
#include <climits>
#include <cmath>
#include <cstring>

#include "socket/options.h"
#include "socket/tcp_info.h"

namespace hawser {
namespace {

constexpr size_t kMaxArguments = 3;

// Raw Node-API calls and not the C++ wrapper: a wrapper's call leaves an exception of user code (a
// getter, a proxy) pending, and its casts abort on a value of another type.
struct Call {
  Call(napi_env environment, napi_callback_info info) : env(environment) {
    size_t count = kMaxArguments;
    // Missing arguments are filled in with undefined.
    valid = napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr) == napi_ok;
  }

  napi_env env;
  napi_value arguments[kMaxArguments] = {nullptr, nullptr, nullptr};
  bool valid;
};

// An exception that a getter of the user's threw is not ours to deliver: the answer is -EINVAL.
void DropException(napi_env env) {
  bool pending = false;
  if (napi_is_exception_pending(env, &pending) != napi_ok || !pending) return;
  napi_value exception;
  (void)napi_get_and_clear_last_exception(env, &exception);
}

napi_value Number(napi_env env, int value) {
  DropException(env);
  napi_value result = nullptr;
  return napi_create_int32(env, value, &result) == napi_ok ? result : nullptr;
}

napi_valuetype TypeOf(napi_env env, napi_value value) {
  napi_valuetype type = napi_undefined;
  if (napi_typeof(env, value, &type) != napi_ok) return napi_undefined;
  return type;
}

// A whole number that a double holds exactly.
bool ReadInteger(napi_env env, napi_value value, int64_t* out) {
  constexpr double kMaxSafeInteger = 9007199254740991.0;
  double number = 0;
  if (napi_get_value_double(env, value, &number) != napi_ok) return false;
  if (!(std::fabs(number) <= kMaxSafeInteger) || std::trunc(number) != number) return false;
  *out = static_cast<int64_t>(number);
  return true;
}

bool ReadDescriptor(napi_env env, napi_value value, int* out) {
  int64_t number = 0;
  if (!ReadInteger(env, value, &number) || number < 0 || number > INT_MAX) return false;
  *out = static_cast<int>(number);
  return true;
}

const Option* ReadOption(napi_env env, napi_value value, OptionId* id) {
  int64_t index = 0;
  if (!ReadInteger(env, value, &index) || index < 0 || index >= kOptionCount) return nullptr;
  *id = static_cast<OptionId>(index);
  return FindOption(static_cast<int>(index));
}

bool ReadBoolean(napi_env env, napi_value value, bool* out) {
  if (napi_get_value_bool(env, value, out) == napi_ok) return true;
  int64_t number = 0;
  if (!ReadInteger(env, value, &number) || (number != 0 && number != 1)) return false;
  *out = number == 1;
  return true;
}

bool ReadText(napi_env env, napi_value value, char* out, size_t size) {
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, nullptr, 0, &length) != napi_ok) return false;
  if (length >= size) return false;
  if (napi_get_value_string_utf8(env, value, out, size, &length) != napi_ok) return false;
  return std::strlen(out) == length;  // No zero in the middle.
}

bool ReadLinger(napi_env env, napi_value value, OptionValue* out) {
  if (TypeOf(env, value) != napi_object) return false;
  napi_value enabled;
  napi_value seconds;
  if (napi_get_named_property(env, value, "enabled", &enabled) != napi_ok) return false;
  if (napi_get_named_property(env, value, "seconds", &seconds) != napi_ok) return false;
  return ReadBoolean(env, enabled, &out->enabled) && ReadInteger(env, seconds, &out->number);
}

bool ReadInterface(napi_env env, napi_value value, OptionValue* out) {
  if (TypeOf(env, value) == napi_number) {
    out->has_index = true;
    return ReadInteger(env, value, &out->number);
  }
  char text[INET_ADDRSTRLEN];
  return ReadText(env, value, text, sizeof(text)) && inet_pton(AF_INET, text, out->address) == 1;
}

bool ReadValue(napi_env env, OptionKind kind, napi_value value, OptionValue* out) {
  switch (kind) {
    case OptionKind::kBoolean: {
      bool flag = false;
      if (!ReadBoolean(env, value, &flag)) return false;
      out->number = flag ? 1 : 0;
      return true;
    }
    case OptionKind::kInteger:
    case OptionKind::kUnsigned:
      return ReadInteger(env, value, &out->number);
    case OptionKind::kLinger:
      return ReadLinger(env, value, out);
    case OptionKind::kText:
      return ReadText(env, value, out->text, sizeof(out->text));
    case OptionKind::kInterfaceAddress:
      return ReadInterface(env, value, out);
    case OptionKind::kCredentials:
    case OptionKind::kStructure:
      return false;
  }
  return false;
}

// The members of an object are set one by one; the first that fails ends it.
bool SetNumber(napi_env env, napi_value object, const char* name, int64_t number) {
  napi_value value;
  napi_status status =
      number == kAbsent ? napi_get_null(env, &value) : napi_create_int64(env, number, &value);
  return status == napi_ok && napi_set_named_property(env, object, name, value) == napi_ok;
}

bool MakeLinger(napi_env env, const OptionValue& value, napi_value* out) {
  napi_value enabled;
  return napi_create_object(env, out) == napi_ok &&
         napi_get_boolean(env, value.enabled, &enabled) == napi_ok &&
         napi_set_named_property(env, *out, "enabled", enabled) == napi_ok &&
         SetNumber(env, *out, "seconds", value.number);
}

bool MakeCredentials(napi_env env, const OptionValue& value, napi_value* out) {
  return napi_create_object(env, out) == napi_ok && SetNumber(env, *out, "pid", value.process) &&
         SetNumber(env, *out, "uid", value.user) && SetNumber(env, *out, "gid", value.group);
}

bool MakeValue(napi_env env, OptionKind kind, const OptionValue& value, napi_value* out) {
  switch (kind) {
    case OptionKind::kBoolean:
      return napi_get_boolean(env, value.number != 0, out) == napi_ok;
    case OptionKind::kInteger:
    case OptionKind::kUnsigned:
      return napi_create_int64(env, value.number, out) == napi_ok;
    case OptionKind::kLinger:
      return MakeLinger(env, value, out);
    case OptionKind::kText:
      return napi_create_string_utf8(env, value.text, NAPI_AUTO_LENGTH, out) == napi_ok;
    case OptionKind::kInterfaceAddress: {
      char text[INET_ADDRSTRLEN];
      if (inet_ntop(AF_INET, value.address, text, sizeof(text)) == nullptr) return false;
      return napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, out) == napi_ok;
    }
    case OptionKind::kCredentials:
      return MakeCredentials(env, value, out);
    case OptionKind::kStructure:
      return false;
  }
  return false;
}

napi_value GetOptionCall(napi_env env, napi_callback_info info) {
  Call call(env, info);
  int descriptor = -1;
  OptionId id = OptionId::kCount;
  bool is_array = false;
  if (!call.valid || !ReadDescriptor(env, call.arguments[0], &descriptor)) {
    return Number(env, -EINVAL);
  }
  const Option* option = ReadOption(env, call.arguments[1], &id);
  if (option == nullptr || napi_is_array(env, call.arguments[2], &is_array) != napi_ok ||
      !is_array) {
    return Number(env, -EINVAL);
  }
  OptionValue value;
  int result = GetOption(descriptor, id, &value);
  if (result < 0) return Number(env, result);
  napi_value answer;
  if (!MakeValue(env, option->kind, value, &answer) ||
      napi_set_element(env, call.arguments[2], 0, answer) != napi_ok) {
    return Number(env, -EINVAL);
  }
  return Number(env, 0);
}

napi_value SetOptionCall(napi_env env, napi_callback_info info) {
  Call call(env, info);
  int descriptor = -1;
  OptionId id = OptionId::kCount;
  if (!call.valid || !ReadDescriptor(env, call.arguments[0], &descriptor)) {
    return Number(env, -EINVAL);
  }
  const Option* option = ReadOption(env, call.arguments[1], &id);
  OptionValue value;
  if (option == nullptr || !ReadValue(env, option->kind, call.arguments[2], &value)) {
    return Number(env, -EINVAL);
  }
  return Number(env, SetOption(descriptor, id, value));
}

napi_value GetTcpInfoCall(napi_env env, napi_callback_info info) {
  Call call(env, info);
  int descriptor = -1;
  if (!call.valid || !ReadDescriptor(env, call.arguments[0], &descriptor)) {
    return Number(env, -EINVAL);
  }
  bool is_array = false;
  napi_typedarray_type type = napi_int8_array;
  size_t length = 0;
  void* bytes = nullptr;
  if (napi_is_typedarray(env, call.arguments[1], &is_array) != napi_ok || !is_array ||
      napi_get_typedarray_info(env, call.arguments[1], &type, &length, &bytes, nullptr, nullptr) !=
          napi_ok ||
      type != napi_float64_array || length < kTcpInfoFieldCount || bytes == nullptr) {
    return Number(env, -EINVAL);
  }
  // No JavaScript runs between asking for the address and writing there.
  return Number(env, GetTcpInfo(descriptor, static_cast<double*>(bytes)));
}

void SetFunction(napi_env env, napi_value exports, const char* name, napi_callback callback) {
  napi_value function;
  if (napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function) == napi_ok) {
    (void)napi_set_named_property(env, exports, name, function);
  }
}

}  // namespace

void RegisterOptions(Napi::Env env, Napi::Object exports) {
  SetFunction(env, exports, "getOption", GetOptionCall);
  SetFunction(env, exports, "setOption", SetOptionCall);
  SetFunction(env, exports, "getTcpInfo", GetTcpInfoCall);
}

}  // namespace hawser
