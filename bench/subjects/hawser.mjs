// Loads hawser as users do, from dist/, and says in one line what it lacks.
import { unavailable } from "./subject.mjs";

/**
 * The package's exports, or null after saying why not.
 * @param {string[]} names exports that the subject needs
 */
export async function loadHawser(names) {
  let exports;
  try {
    exports = await import("../../dist/index.js");
  } catch (error) {
    unavailable(`hawser does not load: ${String(error?.message ?? error).split("\n")[0]}`);
    return null;
  }
  const missing = names.filter((name) => exports[name] === undefined);
  if (missing.length === 0) return exports;
  unavailable(`hawser does not export ${missing.join(" and ")} yet`);
  return null;
}

/**
 * Starts a listener and gives its port, or null after saying why not.
 * @param {() => Promise<{port: number}>} start
 */
export async function listenerPort(start) {
  try {
    return (await start()).port;
  } catch (error) {
    unavailable(`hawser does not serve this: ${String(error?.message ?? error).split("\n")[0]}`);
    return null;
  }
}
