// A process that is a crowd (crowd-members.ts): takes commands as driver.ts does. Not here: what
// the members do.

import type { ConnectOptions, StreamEndpoint } from "../../../lib/net/types.ts";
import { answerCommands, type NamedCommand } from "./commands.ts";
import { CrowdMembers } from "./crowd-members.ts";

interface Command extends NamedCommand {
  readonly endpoint: StreamEndpoint;
  readonly options: ConnectOptions;
  readonly count: number;
  readonly port: number;
  readonly bytes: number;
  readonly everyMs: number;
}

const crowd = new CrowdMembers();

answerCommands<Command>({
  serve: async ({ endpoint, options }) => ({ port: await crowd.serve(endpoint, options) }),
  join: async ({ endpoint, options, count }) => ({
    refused: await crowd.join(endpoint, options, count),
  }),
  admit: () => crowd.admit(),
  talk: ({ everyMs }) => crowd.talk(everyMs),
  hush: () => crowd.hush(),
  flood: ({ port, bytes }) => crowd.flood(port, bytes),
  report: () => crowd.report(),
  held: () => crowd.held(),
  forget: () => crowd.forget(),
  leavePort: ({ port }) => crowd.leavePort(port),
  leave: () => crowd.leave(),
});
