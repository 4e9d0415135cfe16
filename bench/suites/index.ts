// The list of suites, in the order they run.
import type { Suite } from "../harness/suite.ts";
import { tcp } from "./tcp.ts";

export const SUITES: readonly Suite[] = [tcp];
