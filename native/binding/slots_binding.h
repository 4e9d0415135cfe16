// The functions of the addon that open, name and change sockets. One crossing each; none of them is
// called per message.
#ifndef HAWSER_BINDING_SLOTS_BINDING_H_
#define HAWSER_BINDING_SLOTS_BINDING_H_

#include <napi.h>

namespace hawser {

class Environment;

void RegisterSlots(Napi::Env env, Napi::Object exports, Environment* environment);

}  // namespace hawser

#endif  // HAWSER_BINDING_SLOTS_BINDING_H_
