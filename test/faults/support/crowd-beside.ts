// The crowd in the process of a connection under test, over the loopback of its host, where no
// fault comes: what a scenario does to one connection, two thousand others must not notice. Not
// here: what the members do (crowd-members.ts).

import { CrowdMembers, type Report } from "./crowd-members.ts";
import { sharedNow, slowness } from "./program.ts";

/** Everybody says something once in that time: two cores have several processes to bear. */
const TALK_MS = 4_000;
const ANSWERED_WITHIN_MS = 10_000 * slowness;
const LOOK_EVERY_MS = 50;

const aMoment = () => new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));

export class CrowdBeside {
  readonly #crowd = new CrowdMembers();
  readonly #size: number;
  #port = 0;

  private constructor(size: number) {
    this.#size = size;
  }

  /** Connects that many with themselves, and lets them talk. */
  static async start(size: number): Promise<CrowdBeside> {
    const beside = new CrowdBeside(size);
    beside.#port = await beside.#crowd.serve("tcp://127.0.0.1:0");
    const endpoint = `tcp://127.0.0.1:${beside.#port}` as const;
    const refused = await beside.#crowd.join(endpoint, {}, size);
    if (refused.length > 0) throw new Error(`the crowd: ${JSON.stringify(refused[0])}`);
    // Who has connected may not have been accepted yet.
    while (beside.#crowd.report().open[beside.#port] !== 2 * size) await aMoment();
    beside.#crowd.talk(TALK_MS);
    return beside;
  }

  /** Closes them. */
  leave(): Promise<void> {
    return this.#crowd.leave();
  }

  /** What is wrong, or null: all alive, every byte in order both ways, none told of anything. */
  async account(): Promise<string | null> {
    this.#crowd.hush();
    // Else who is mute and deaf would look like who has nothing to say.
    this.#crowd.sayAll();
    const port = this.#port;
    const isOver = ({ unanswered, problems }: Report) =>
      unanswered[port] === 0 || problems.length > 0;
    const until = sharedNow() + ANSWERED_WITHIN_MS;
    let report = this.#crowd.report();
    while (!isOver(report) && sharedNow() < until) {
      await aMoment();
      report = this.#crowd.report();
    }
    const { problems, dead, open, unanswered, listenerErrors } = report;
    // Both ends of each.
    const isWhole = open[port] === 2 * this.#size && unanswered[port] === 0;
    const isQuiet = Object.keys(dead).length === 0 && Object.keys(listenerErrors).length === 0;
    if (isWhole && isQuiet && problems.length === 0) return null;
    return JSON.stringify(report);
  }
}
