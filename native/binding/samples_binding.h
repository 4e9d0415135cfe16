// The functions of the addon that look at TCP connections with something pending, many in one
// crossing. Not here: what follows from the numbers (lib/net/liveness.ts).
#ifndef HAWSER_BINDING_SAMPLES_BINDING_H_
#define HAWSER_BINDING_SAMPLES_BINDING_H_

#include <napi.h>

namespace hawser {

class Environment;

void RegisterSamples(Napi::Env env, Napi::Object exports, Environment* environment);

}  // namespace hawser

#endif  // HAWSER_BINDING_SAMPLES_BINDING_H_
