// Measures a subject that is a client: it runs on the server's core and drives itself, in a closed
// loop, against a C server on the generator's core. Its own clock gives the CPU time.
import { type RunningSubject, startSubject } from "./processes.ts";
import type { Context, Subject } from "./suite.ts";

export interface ClientResult {
  readonly messages: number;
  readonly seconds: number;
  readonly cpuNs: number;
  readonly version: string;
}

/**
 * One round of a client. `verify` may ask the server afterwards what came, and throw.
 * @throws Error in the client's words: wrong payload, lost connection.
 */
export async function measureClient(
  subject: Subject,
  server: Subject,
  context: Context,
  parameters: Readonly<Record<string, number | string>>,
  verify?: (server: RunningSubject, messages: number) => Promise<void>,
): Promise<ClientResult> {
  const running = await startSubject(await server.command(context), context.cores.generator);
  try {
    const client = await startSubject(await subject.command(context), context.cores.server);
    try {
      const order = {
        port: running.port,
        duration: context.options.durationMs,
        warmup: context.options.warmupMs,
        ...parameters,
      };
      const answer = await client.process.ask(`run ${JSON.stringify(order)}`);
      const messages = Number(answer.messages);
      await verify?.(running, messages);
      return {
        messages,
        seconds: Number(answer.seconds),
        cpuNs: Number(answer.cpuNs),
        version: client.version,
      };
    } finally {
      await client.process.stop();
    }
  } finally {
    await running.process.stop();
  }
}
