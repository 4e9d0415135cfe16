// The functions of the addon that tell of this host's networks: lists, the question for a route,
// and the socket that hears of changes, which is a slot of the reactor in readiness mode. Lists
// cross as the bytes of their records (socket/networks.h). Not here: what follows from them
// (lib/net/paths).
#ifndef HAWSER_BINDING_NETWORKS_BINDING_H_
#define HAWSER_BINDING_NETWORKS_BINDING_H_

#include <napi.h>

namespace hawser {

class Environment;

// Functions that need no reactor.
void RegisterNetworks(Napi::Env env, Napi::Object exports);

// Functions of one reactor.
void RegisterNetworkChanges(Napi::Env env, Napi::Object exports, Environment* environment);

}  // namespace hawser

#endif  // HAWSER_BINDING_NETWORKS_BINDING_H_
