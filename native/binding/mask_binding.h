// unmask(): the masking of long WebSocket payloads.
#ifndef HAWSER_BINDING_MASK_BINDING_H_
#define HAWSER_BINDING_MASK_BINDING_H_

#include <napi.h>

namespace hawser {

void RegisterMask(Napi::Env env, Napi::Object exports);

}  // namespace hawser

#endif  // HAWSER_BINDING_MASK_BINDING_H_
