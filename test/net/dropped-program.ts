// The process of dropped.test.ts: connects, lets go, collects, and prints what it has seen as JSON.
// Apart, since it must say when garbage is collected, and sees no warning but its own.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type Connection, connect, counters, listen } from "../../lib/index.ts";
import { sweep } from "../../lib/net/dropped.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const warnings: { message: string; code: string | undefined; detail: string | undefined }[] = [];
process.on("warning", (warning) => {
  const { message, code, detail } = warning as Error & { code?: string; detail?: string };
  warnings.push({ message, code, detail });
});

let ended = 0;
const accepted: Connection[] = [];
const listener = await listen("tcp://127.0.0.1:0", {
  open: (connection) => accepted.push(connection),
  data: () => {},
  end: () => {
    ended++;
  },
});
const endpoint = `tcp://127.0.0.1:${listener.port}` as const;
const before = counters().openSlots;

/**
 * Sweeps and collects until something holds; or for some rounds, for it to be seen that nothing is
 * dropped. What was sent is looked at once a second until it is acknowledged, and held until then.
 */
async function settle(holds: () => boolean, rounds = 1_000): Promise<void> {
  for (let round = 0; round < rounds && !holds(); round++) {
    sweep();
    await new Promise((resolve) => setTimeout(resolve, 10));
    collect();
  }
}

const scenarios: Record<string, () => Promise<object>> = {
  async dropped() {
    await (async () => {
      const connection = await connect(endpoint);
      await connection.send("kept until it is sent");
    })();
    await settle(() => ended > 0);
    const [one] = accepted;
    return { ended, openSlots: counters().openSlots - before, bytesRead: one?.bytesRead, warnings };
  },

  async "many at once"() {
    const dropped = 300;
    await (async () => {
      await Promise.all(Array.from({ length: dropped }, () => connect(endpoint)));
    })();
    await settle(() => warnings.length === dropped);
    const noted = warnings.filter(({ detail }) => detail?.includes("dropped-program.ts")).length;
    const others = warnings.filter(({ detail }) => detail?.includes("too many are made")).length;
    return { warnings: warnings.length, noted, others };
  },

  async awaited() {
    const got: string[] = [];
    void (async () => {
      const connection = await connect(endpoint);
      for await (const chunk of connection) got.push(String(chunk));
      got.push("end");
    })();
    await settle(() => false, 10);
    accepted[0]?.write("answer");
    await settle(() => got.length > 0);
    void accepted[0]?.close();
    await settle(() => got.length > 1);
    return { got, warnings };
  },

  async "watched for its end"() {
    const told: unknown[] = [];
    void (async () => {
      const connection = await connect(endpoint);
      void connection.closed.then(({ initiator }) => told.push(initiator));
    })();
    await settle(() => false, 10);
    void accepted[0]?.close();
    await settle(() => told.length > 0);
    return { told, warnings };
  },

  async "held and idle"() {
    const connection = await connect(endpoint);
    await settle(() => false, 10);
    accepted[0]?.write("late");
    await settle(() => false, 5);
    const received = String(await connection.receive());
    await settle(() => false, 5);
    await connection.send("and back");
    const { error } = await connection.close();
    await settle(() => ended > 0);
    return { received, error, bytesRead: accepted[0]?.bytesRead, warnings };
  },

  async "with callbacks"() {
    const got: string[] = [];
    await (async () => {
      await connect(endpoint, { data: (_connection, bytes) => got.push(String(bytes)) });
    })();
    await settle(() => false, 10);
    accepted[0]?.write("heard");
    await settle(() => got.length > 0);
    return { got, warnings };
  },
};

const run = scenarios[process.argv[2] ?? ""] as () => Promise<object>;
process.stdout.write(`${JSON.stringify(await run())}\n`, () => process.exit());
