// The functions on socket options, as JavaScript sees them: getOption, setOption, getTcpInfo. Types
// and arguments are checked in lib/socket; here nothing can crash or throw, whatever is passed.
#ifndef HAWSER_BINDING_OPTIONS_BINDING_H_
#define HAWSER_BINDING_OPTIONS_BINDING_H_

#include <napi.h>

namespace hawser {

// Sets three functions on `exports`. Each returns -EINVAL for arguments that make no sense.
//
//   getOption(descriptor: number, index: number, result: unknown[]): number
//     0, and the value in result[0]; or -errno. Values by kind: boolean; number; string;
//     {enabled, seconds}; {pid, uid, gid}, with null for what the system does not tell.
//
//   setOption(descriptor: number, index: number, value: unknown): number
//     0 or -errno. A boolean may be 0 or 1; an interface is its IPv4 address or its index.
//
//   getTcpInfo(descriptor: number, out: Float64Array): number
//     The number of fields written, in the order of tcp_info.def, or -errno. NaN: not known.
void RegisterOptions(Napi::Env env, Napi::Object exports);

}  // namespace hawser

#endif  // HAWSER_BINDING_OPTIONS_BINDING_H_
