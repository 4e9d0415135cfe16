// The public interface of the package. No code of its own.

export { HawserError } from "./errors/hawser-error.ts";
export { Connection } from "./net/connection.ts";
export { connect, listen } from "./net/entry.ts";
export { Listener } from "./net/listener.ts";
export type * from "./net/types.ts";
export { getOption, setOption } from "./socket/options.ts";
export { counters } from "./socket/reactor.ts";
export { tune } from "./socket/tune.ts";
