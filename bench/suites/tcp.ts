// TCP echo: every style of hawser, node:net, Bun and Deno against a C epoll server.
import {
  bunSubject,
  cSubject,
  denoSubject,
  hawserSubject,
  nodeSubject,
} from "../harness/subjects.ts";
import type { Subject, Suite } from "../harness/suite.ts";
import { chooseParameters, type EchoParameters, echoScenario } from "./echo.ts";

export const TCP_SUBJECTS: readonly Subject[] = [
  cSubject("tcp_echo_epoll"),
  hawserSubject("hawser-lent", "hawser, callback lent", "tcp-hawser.mjs", ["lent"]),
  hawserSubject("hawser", "hawser, callback owned", "tcp-hawser.mjs", ["owned"]),
  hawserSubject("hawser-await", "hawser, for await", "tcp-hawser.mjs", ["await"]),
  nodeSubject("node", "node:net", "tcp-node.mjs"),
  bunSubject("tcp-bun.mjs"),
  denoSubject("tcp-deno.mjs"),
];

const OWN: readonly EchoParameters[] = [
  { size: 20, connections: 50, depth: 1 },
  { size: 20, connections: 50, depth: 16 },
  { size: 16_384, connections: 50, depth: 1 },
];

export const tcp: Suite = {
  id: "tcp",
  title: "TCP echo",
  scenarios: async (context) =>
    chooseParameters(context.options, OWN).map((parameters) =>
      echoScenario("TCP echo", "tcp", parameters, TCP_SUBJECTS),
    ),
};
