// The list of suites, in the order they run.
import type { Suite } from "../harness/suite.ts";
import { broadcast } from "./broadcast.ts";
import { bulk } from "./bulk.ts";
import { connect } from "./connect.ts";
import { growth } from "./growth.ts";
import { idle } from "./idle.ts";
import { latency } from "./latency.ts";
import { startup } from "./startup.ts";
import { tcp } from "./tcp.ts";
import { udp } from "./udp.ts";
import { ws } from "./ws.ts";

export const SUITES: readonly Suite[] = [
  tcp,
  ws,
  udp,
  connect,
  idle,
  broadcast,
  latency,
  bulk,
  startup,
  growth,
];
