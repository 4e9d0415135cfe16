// The async context in which handlers run: that of their connect() or listen(), so that
// AsyncLocalStorage works in them. Not here: which handlers there are (policy.ts).
//
// A turn of the reactor has no context of its own. Entering one costs about as much as a small
// callback, so it is done only where a context was there to be kept: who uses none pays nothing.

import { AsyncResource } from "node:async_hooks";

// biome-ignore lint/suspicious/noExplicitAny: a callback of any signature
type Callback = (...args: any[]) => any;

/** A context to run callbacks in, or null where the current one is empty. */
export type HandlerContext = AsyncResource | null;

/** The context of whoever calls. */
export function captureContext(): HandlerContext {
  const resource = new AsyncResource("hawser");
  return holdsContext(resource) ? resource : null;
}

// Where the stores are kept is Node's own affair: in properties of the resource under a symbol of
// that name (Node 20 and 22), or in a map that the resource holds (from 24). An unknown form counts
// as a context, which costs time and is never wrong.
function holdsContext(resource: AsyncResource): boolean {
  for (const key of Object.getOwnPropertySymbols(resource)) {
    const value: unknown = (resource as unknown as Record<symbol, unknown>)[key];
    if (value === undefined || typeof value === "number") continue;
    // Whether a destroy hook is wanted, and nothing that a handler could see.
    if (key.description === "destroyed") continue;
    // A map whose stores were all left again.
    if (isEmptyFrame(value)) continue;
    return true;
  }
  return false;
}

// Node's own class of maps, which is no instance of Map.
function isEmptyFrame(value: unknown): boolean {
  try {
    const stores = Map.prototype.values.call(value as Map<unknown, unknown>);
    return [...stores].every((store) => store === undefined);
  } catch {
    return false;
  }
}

/** The callback, run in the context wherever it is called. Itself where there is none. */
export function inContext<F extends Callback | undefined>(context: HandlerContext, callback: F): F {
  if (context === null || callback === undefined) return callback;
  const bound = (...args: unknown[]): unknown =>
    context.runInAsyncScope(callback as Callback, undefined, ...args);
  return bound as F;
}
