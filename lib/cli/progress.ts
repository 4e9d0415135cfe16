// That something takes long, said on a terminal while it lasts. Not here: what takes long.

import type { WriteStream } from "node:tty";

const EVERY_MS = 1_000;
const ERASE_LINE = "\r\u001b[K";

/**
 * Waits for `work`. After a second, and every second from then on, a line on standard error says
 * what is waited for and how long; it is gone when that is over. Nothing where that is no terminal.
 */
export async function withProgress<T>(
  what: string,
  work: Promise<T>,
  stream: Pick<WriteStream, "isTTY" | "write"> = process.stderr,
): Promise<T> {
  if (stream.isTTY !== true) return work;
  let seconds = 0;
  const timer = setInterval(() => {
    seconds++;
    stream.write(`${ERASE_LINE}${what}: ${seconds} s`);
  }, EVERY_MS);
  try {
    return await work;
  } finally {
    clearInterval(timer);
    if (seconds > 0) stream.write(ERASE_LINE);
  }
}
