// The list of suites, in the order they run.
import type { Suite } from "../harness/suite.ts";
import { connect } from "./connect.ts";
import { startup } from "./startup.ts";
import { tcp } from "./tcp.ts";
import { ws } from "./ws.ts";

export const SUITES: readonly Suite[] = [tcp, ws, connect, startup];
