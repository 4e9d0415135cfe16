// Modules of Node's that take milliseconds to load and that most programs never need here, loaded
// at their first use. `import "hawser"` must cost next to nothing.
// Not here: modules that are loaded in every process anyway, such as node:util and node:url.

// Asked again at each call, since Node keeps them itself; no caller is on the hot path.
const load = process.getBuiltinModule;

export const nodeCrypto = () => load("node:crypto");
export const nodeDns = () => load("node:dns");
export const nodeHttp = () => load("node:http");
export const nodeNet = () => load("node:net");
export const nodeStream = () => load("node:stream");
export const nodeWorkerThreads = () => load("node:worker_threads");
export const nodeZlib = () => load("node:zlib");
