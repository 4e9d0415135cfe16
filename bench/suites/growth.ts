// How the cost of a TCP echo grows: with connections, with the size of a message, with messages in
// flight, with threads that share a port. Each is a curve in the report; rounds are fewer, since
// the shape is what counts.
import { availableParallelism } from "node:os";
import type { Series } from "../harness/results.ts";
import { hawserSubject } from "../harness/subjects.ts";
import type { Scenario, Suite } from "../harness/suite.ts";
import {
  CPU_PER_MESSAGE,
  DEFAULT_CONNECTIONS,
  type EchoParameters,
  echoScenario,
  MESSAGES_A_SECOND,
} from "./echo.ts";
import { TCP_SUBJECTS } from "./tcp.ts";

const ROUNDS_MAX = 5;
const SUBJECT_IDS = ["c", "hawser-lent", "hawser", "hawser-await", "node", "bun"];

const CONNECTIONS = [10, 100, 1_000, 5_000, 15_000];
const SIZES = [1, 64, 1_024, 16_384, 262_144, 1 << 20, 16 << 20];
const THREADS = [1, 2];
const DEPTHS = [1, 4, 16, 64];
/** From here on fewer connections, or all of memory would be in flight. */
const LARGE_BYTES = 1 << 20;
const LARGE_CONNECTIONS = 4;

const subjects = TCP_SUBJECTS.filter((subject) => SUBJECT_IDS.includes(subject.id));

function point(name: string, unit: Series["unit"], at: number, parameters: EchoParameters) {
  const scenario: Scenario = {
    ...echoScenario("TCP echo", "tcp", parameters, subjects),
    id: `${name.replaceAll(" ", "-")}-${at}`,
    roundsMax: ROUNDS_MAX,
    series: { name, unit, at },
  };
  return scenario;
}

/** The server is not pinned, so that its threads have cores; throughput is what may double. */
function threads(count: number): Scenario {
  const parameters = { size: 20, connections: DEFAULT_CONNECTIONS, depth: 1 };
  const scenario = echoScenario("TCP echo", "tcp", parameters, [
    hawserSubject("hawser-lent", "hawser, callback lent", "tcp-hawser-threads.mjs", [
      String(count),
    ]),
  ]);
  return {
    ...scenario,
    id: `threads-${count}`,
    title: `${scenario.title}, ${count} ${count === 1 ? "thread" : "threads"}`,
    parameters: { ...parameters, threads: count },
    metrics: [MESSAGES_A_SECOND, CPU_PER_MESSAGE],
    reference: "hawser-lent",
    roundsMax: ROUNDS_MAX,
    series: { name: "threads", unit: "count", at: count },
    async measure(subject, context) {
      const free = { ...context, cores: { ...context.cores, server: null } };
      const measured = await scenario.measure(subject, free);
      if (availableParallelism() > count) return measured;
      const doubt = "the generator and the threads shared cores";
      return { ...measured, doubts: [...measured.doubts, doubt] };
    },
  };
}

export const growth: Suite = {
  id: "growth",
  title: "How cost grows",
  scenarios: async () => [
    ...CONNECTIONS.map((connections) =>
      point("connections", "count", connections, { size: 20, connections, depth: 1 }),
    ),
    ...SIZES.map((size) =>
      point("message size", "bytes", size, {
        size,
        connections: size >= LARGE_BYTES ? LARGE_CONNECTIONS : DEFAULT_CONNECTIONS,
        depth: 1,
      }),
    ),
    ...DEPTHS.map((depth) =>
      point("messages in flight", "count", depth, {
        size: 20,
        connections: DEFAULT_CONNECTIONS,
        depth,
      }),
    ),
    ...THREADS.map(threads),
  ],
};
