// `npm run soak [-- --minutes N] [--seed N] [--only STEP]`: everything at random, from a seed that
// is printed first: connections over TCP, Unix sockets, TLS and WebSockets and flows over UDP
// exchange checked bytes, end in every way, and are hindered and cut. Ends with 1 when something
// was not as it must be; the same seed does the same again, and --only one step of it.
import { parseArgs } from "node:util";
import { makeCertificates } from "../test/adapters/certificates.ts";
import { Soak } from "../test/soak/soak.ts";
import { readCommandLine, readCount, readPositive } from "./arguments.ts";

const USAGE = `npm run soak -- [options]     everything at random, from a seed that is printed

  --minutes N   how long (default 5)
  --seed N      the same as in the run that printed it
  --only STEP   one step alone, by its number

Exit status: 0 nothing was found; 1 something was not as it must be; 2 wrong usage.`;

const { minutes, seed, only } = readCommandLine("soak", USAGE, (args) => {
  const options = {
    minutes: { type: "string", default: "5" },
    seed: { type: "string" },
    only: { type: "string" },
  } as const;
  const { values } = parseArgs({ args, options });
  const number = (flag: "seed" | "only") =>
    values[flag] === undefined ? undefined : readCount(values[flag], `--${flag}`, 0);
  return {
    minutes: readPositive(values.minutes, "--minutes"),
    seed: number("seed") ?? Math.floor(Math.random() * 2 ** 31),
    only: number("only"),
  };
});
console.log(`seed ${seed}, ${minutes} minutes`);

const certificates = makeCertificates();
try {
  const { steps, problems } = await new Soak({
    seed,
    minutes,
    only,
    secrets: certificates,
    say: (line) => console.log(line),
  }).run();
  if (problems.length === 0) {
    console.log(`found nothing in ${steps} steps`);
  } else {
    const step = /^step (\d+)/.exec(problems[0] ?? "")?.[1];
    const alone = step === undefined ? "" : ` --only ${step}`;
    console.log(`FOUND ${problems.length}: npm run soak -- --seed ${seed}${alone}`);
    process.exitCode = 1;
  }
} finally {
  certificates.remove();
}
