// `npm run conformance`: the suite with its full sizes and counts, as a table.
//
// Ends with 1 where hawser deviates; `-- --help` says what it takes.

import process from "node:process";
import { parseArgs } from "node:util";
import { readCommandLine, readCount, UsageError } from "../../scripts/arguments.ts";
import { allCases } from "./cases/index.ts";
import { type Column, report } from "./report.ts";
import {
  hawserClient,
  hawserServer,
  hawserWsClient,
  hawserWsServer,
  wsClient,
  wsServer,
} from "./subjects.ts";
import { runCases } from "./suite.ts";

const USAGE = `npm run conformance -- [options]     the WebSocket conformance suite, as a table

  --brief          the reduced sizes and counts of npm test
  --case PREFIX    only the cases whose id begins so: 6, 6.4, 9.3.1
  --subject NAME   only the sides that are called so: hawser, client, "ws server"
  --width N        connections at once (default 8)

Exit status: 0 hawser does all as it must; 1 it deviates; 2 wrong usage.`;

const { values, cases, width } = readCommandLine("conformance", USAGE, (args) => {
  const options = {
    brief: { type: "boolean", default: false },
    case: { type: "string", default: "" },
    subject: { type: "string", default: "" },
    width: { type: "string", default: "8" },
  } as const;
  const { values } = parseArgs({ args, options });
  const prefix = values.case;
  const cases = allCases(values.brief ? "brief" : "full").filter(
    ({ id }) => prefix === "" || id === prefix || id.startsWith(`${prefix}.`),
  );
  if (cases.length === 0) throw new UsageError(`there is no case ${prefix}`);
  return { values, cases, width: readCount(values.width, "--width", 1) };
});
const columns: Column[] = [];
const makers = [
  () => hawserServer(),
  hawserClient,
  hawserWsServer,
  hawserWsClient,
  () => wsServer(),
  () => wsClient(),
];
for (const make of makers) {
  await using subject = await make();
  if (values.subject !== "" && !` ${subject.name} `.includes(` ${values.subject} `)) continue;
  const start = performance.now();
  const results = await runCases(cases, subject, { width });
  columns.push({ name: subject.name, results, seconds: (performance.now() - start) / 1_000 });
}
process.stdout.write(`${report(columns)}\n`);
const isClean = columns.every(
  ({ name, results }) =>
    !name.startsWith("hawser") || results.every(({ verdict }) => verdict === "ok"),
);
process.exitCode = isClean ? 0 : 1;
