// What programs see of the reactor. Not here: the reactor (reactor.ts), what is counted
// (native/reactor/records.def).

import type { Counters } from "../binding/records.ts";
import { counters } from "./reactor.ts";

export type { Counters } from "../binding/records.ts";

/** The reactor of this environment: the main thread and each worker have their own. */
export const reactor: {
  /** Cheap counts since the environment began. They only grow, `openSlots` excepted. */
  readonly counters: () => Counters;
} = Object.freeze({ counters });
