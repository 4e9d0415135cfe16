// The line that `npm start` prints each second: connections, bytes and round-trip times.
// Pure. Not here: asking the kernel (track.ts).

export class Meter {
  #bytes = 0;
  #reported = 0;

  add(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Bytes echoed since the last line, and how far away the peers are. */
  line(connections: number, roundTripsMs: readonly number[]): string {
    const bytes = this.#bytes - this.#reported;
    this.#reported = this.#bytes;
    const many = connections === 1 ? "1 connection" : `${connections} connections`;
    return `${many}, ${bytes} bytes echoed (${this.#bytes} in all)${distance(roundTripsMs)}`;
  }
}

function distance(roundTripsMs: readonly number[]): string {
  const times = [...roundTripsMs].sort((a, b) => a - b);
  if (times.length === 0) return "";
  const [least, median, most] = [times[0], times[times.length >> 1], times.at(-1)];
  return `, round trip ${ms(least)} least, ${ms(median)} median, ${ms(most)} most`;
}

function ms(time: number | undefined): string {
  return `${(time ?? 0).toFixed(3)} ms`;
}
