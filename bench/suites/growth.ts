// How the cost of a TCP echo grows: with connections, with the size of a message, with messages in
// flight. Each is a curve in the report; rounds are fewer, since the shape is what counts.
import type { Series } from "../harness/results.ts";
import type { Scenario, Suite } from "../harness/suite.ts";
import { DEFAULT_CONNECTIONS, type EchoParameters, echoScenario } from "./echo.ts";
import { TCP_SUBJECTS } from "./tcp.ts";

const ROUNDS_MAX = 5;
const SUBJECT_IDS = ["c", "hawser-lent", "hawser", "hawser-await", "node", "bun"];

const CONNECTIONS = [10, 100, 1_000, 5_000, 15_000];
const SIZES = [1, 64, 1_024, 16_384, 262_144, 1 << 20, 16 << 20];
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
  ],
};
