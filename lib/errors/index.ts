// The errors of the library, in one place to import from. No code of its own.

export * from "./aggregate.ts";
export * from "./arguments.ts";
export * from "./errno.ts";
export * from "./hawser-error.ts";
export { type HintHost, hintFor } from "./hints.ts";
export { editDistance, nearestName, type Suggestion } from "./suggest.ts";
