// WebSocket: echo servers against a C epoll server, with binary and text messages and with
// permessage-deflate, and clients against each other.
import { measureClient } from "../harness/clients.ts";
import { compile } from "../harness/compile.ts";
import { doubts, runLoad } from "../harness/load.ts";
import { startSubject, UnavailableError } from "../harness/processes.ts";
import {
  bunSubject,
  cSubject,
  denoSubject,
  hawserSubject,
  nodeSubject,
  packageSubject,
  uwsSubject,
} from "../harness/subjects.ts";
import type { Context, Measured, Scenario, Subject, Suite } from "../harness/suite.ts";
import {
  CPU_PER_MESSAGE,
  chooseParameters,
  DEFAULT_CONNECTIONS,
  type EchoParameters,
  echoId,
  echoScenario,
  echoTitle,
  MESSAGES_A_SECOND,
} from "./echo.ts";

const C_ECHO = cSubject("ws_echo_epoll");

export const WS_SUBJECTS: readonly Subject[] = [
  C_ECHO,
  hawserSubject("hawser-lent", "hawser, callback lent", "ws-hawser.mjs", ["lent"]),
  hawserSubject("hawser", "hawser, callback owned", "ws-hawser.mjs", ["owned"]),
  hawserSubject("hawser-await", "hawser, for await", "ws-hawser.mjs", ["await"]),
  hawserSubject("hawser-ws", "hawser/ws", "ws-ws.mjs", ["hawser"]),
  packageSubject("ws", "ws", "ws", "ws-ws.mjs", ["ws"]),
  bunSubject("ws-bun.mjs"),
  denoSubject("ws-deno.mjs"),
  uwsSubject("ws-uws.mjs"),
];

const CLIENTS: readonly Subject[] = [
  packageSubject("ws", "ws", "ws", "ws-client.mjs", ["ws"]),
  hawserSubject("hawser", "hawser, callback owned", "ws-client.mjs", ["hawser"]),
  hawserSubject("hawser-ws", "hawser/ws", "ws-client.mjs", ["hawser-ws"]),
  packageSubject("undici", "undici", "undici", "ws-client.mjs", ["undici"]),
  nodeSubject("node", "Node's WebSocket", "ws-client.mjs", ["global"]),
  bunSubject("ws-client.mjs", ["global"]),
  denoSubject("ws-client.mjs", ["global"]),
];

const ECHO: readonly EchoParameters[] = [
  { size: 20, connections: DEFAULT_CONNECTIONS, depth: 1 },
  { size: 20, connections: DEFAULT_CONNECTIONS, depth: 16 },
  { size: 1_024, connections: DEFAULT_CONNECTIONS, depth: 1 },
  { size: 16_384, connections: DEFAULT_CONNECTIONS, depth: 1 },
  { size: 65_536, connections: DEFAULT_CONNECTIONS, depth: 1 },
];
const CLIENT: readonly EchoParameters[] = [
  { size: 20, connections: DEFAULT_CONNECTIONS, depth: 1 },
  { size: 20, connections: DEFAULT_CONNECTIONS, depth: 16 },
  { size: 16_384, connections: DEFAULT_CONNECTIONS, depth: 1 },
];

function clientScenario(parameters: EchoParameters): Scenario {
  return {
    id: `client-${echoId(parameters)}`,
    title: echoTitle("WebSocket client", parameters),
    parameters: { ...parameters },
    metrics: [CPU_PER_MESSAGE, MESSAGES_A_SECOND],
    reference: "ws",
    subjects: CLIENTS,
    async measure(subject, context): Promise<Measured> {
      const result = await measureClient(subject, C_ECHO, context, { ...parameters });
      return {
        sample: {
          cpu: result.cpuNs / result.messages,
          messages: result.messages / result.seconds,
        },
        version: result.version,
        doubts: [],
      };
    },
  };
}

function textScenario(): Scenario {
  const parameters: EchoParameters = { size: 1_024, connections: DEFAULT_CONNECTIONS, depth: 1 };
  const scenario = echoScenario("WebSocket text echo", "ws-text", parameters, WS_SUBJECTS);
  return { ...scenario, id: "text-1KiB" };
}

const DEFLATE_BYTES = 1_024;

async function compileDeflate(): Promise<string> {
  try {
    return await compile("load_deflate", ["-lz"]);
  } catch (error) {
    throw new UnavailableError(`its generator needs zlib and its headers (${String(error)})`);
  }
}

async function measureDeflate(subject: Subject, context: Context): Promise<Measured> {
  const load = await compileDeflate();
  const running = await startSubject(await subject.command(context), context.cores.server);
  try {
    const { durationMs, warmupMs } = context.options;
    const result = await runLoad(
      load,
      {
        connections: DEFAULT_CONNECTIONS,
        size: DEFLATE_BYTES,
        duration: durationMs,
        warmup: warmupMs,
      },
      running,
      context.cores.generator,
    );
    return {
      sample: {
        cpu: result.serverCpuNs / result.messages,
        messages: result.messages / result.seconds,
        compressed: Number(result.fields.compressedBytes) / result.messages,
      },
      version: running.version,
      doubts: doubts(result),
    };
  } finally {
    await running.process.stop();
  }
}

function deflateScenario(id: string, title: string, configuration: string): Scenario {
  return {
    id,
    title,
    parameters: { size: DEFLATE_BYTES, connections: DEFAULT_CONNECTIONS },
    metrics: [
      CPU_PER_MESSAGE,
      MESSAGES_A_SECOND,
      { key: "compressed", label: "compressed to", unit: "bytes", better: "lower" },
    ],
    reference: "ws",
    subjects: [
      packageSubject("ws", "ws", "ws", "ws-ws.mjs", ["ws", configuration]),
      hawserSubject("hawser", "hawser, callback owned", "ws-hawser.mjs", ["owned", configuration]),
      hawserSubject("hawser-ws", "hawser/ws", "ws-ws.mjs", ["hawser", configuration]),
      bunSubject("ws-bun.mjs", [configuration]),
    ],
    measure: measureDeflate,
  };
}

export const ws: Suite = {
  id: "ws",
  title: "WebSocket",
  async scenarios(context) {
    const { options } = context;
    const echo = (parameters: EchoParameters) =>
      echoScenario("WebSocket echo", "ws", parameters, WS_SUBJECTS);
    const chosen = chooseParameters(options, ECHO);
    if (chosen !== ECHO) return [...chosen.map(echo), ...chosen.map(clientScenario)];
    return [
      ...ECHO.map(echo),
      textScenario(),
      deflateScenario("deflate-1KiB", "WebSocket deflate 1KiB of JSON, defaults", "deflate"),
      deflateScenario(
        "deflate-1KiB-takeover",
        "WebSocket deflate 1KiB of JSON, context takeover",
        "takeover",
      ),
      ...CLIENT.map(clientScenario),
    ];
  },
};
