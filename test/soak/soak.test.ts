// A short soak of a fixed seed, over all transports; `npm run soak` runs it for as long as one
// likes. And that it can fail: a step whose bytes are changed on the way is told.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Certificates, hasOpenssl, makeCertificates } from "../adapters/certificates.ts";
import { slowness } from "../faults/support/program.ts";
import { End } from "./ends.ts";
import { Soak } from "./soak.ts";

const SEED = 20;
const STEPS = 120;

describe.skipIf(!hasOpenssl)(`a soak${hasOpenssl ? "" : " (skipped: needs openssl)"}`, () => {
  let secrets: Certificates;

  beforeAll(() => {
    secrets = makeCertificates();
  });

  afterAll(() => secrets.remove());

  test(
    `${STEPS} steps: every byte, every end, and nothing is kept`,
    async () => {
      const lines: string[] = [];
      const say = (line: string) => lines.push(line);
      const result = await new Soak({ seed: SEED, minutes: 5, steps: STEPS, secrets, say }).run();
      expect(result.problems).toEqual([]);
      expect(result.steps).toBeGreaterThanOrEqual(STEPS);
    },
    60_000 * slowness,
  );
});

test("a byte that is wrong is counted", async () => {
  const end = new End({} as never);
  end.expected = Buffer.from("abcdef");
  end.received(Buffer.from("abc"));
  end.received(Buffer.from("dEf"));
  end.closed(null);
  expect(await end.ended).toEqual({ code: null, receivedBytes: 6, wrongBytes: 3 });
});
