// Back-pressure across a network, over each byte stream: a peer that does not read stops who awaits
// its sends, an application that does not read stops its peer, and then nothing is lost (B22 to
// B24).
import { createHash } from "node:crypto";
import { expect } from "vitest";
import { nothingFor, scenariosOver } from "./support/hosts.ts";
import { connected, STREAMS } from "./support/pairs.ts";
import { patternOf } from "./support/pattern.ts";

const MARK = 65_536;
const CHUNK = 16_384;
const SMALL_RECEIVE_BUFFER = 32_768;
/** Both kernels' buffers at their largest (tcp(7), tcp_rmem and tcp_wmem), and the marks. */
const MOST_ON_THE_WAY = 16_000_000;

scenariosOver("back-pressure", STREAMS, {
  async "B23 a producer that awaits its sends holds the mark and one chunk; then all arrives"(
    hosts,
    stream,
  ) {
    const options = { sendHighWaterMark: MARK, stallTimeout: 0 };
    const { connection, peer } = await connected(hosts, stream, options, SMALL_RECEIVE_BUFFER);
    await connection.produce(CHUNK);
    let written = -1;
    for (;;) {
      const { bytesWritten, bufferedAmount } = await connection.info();
      // A WebSocket's frames have heads.
      expect(bufferedAmount).toBeLessThan(MARK + 1.1 * CHUNK);
      if (bytesWritten === written) break;
      written = bytesWritten as number;
      await nothingFor(500);
    }
    const bytes = 2 * written;
    const got = await peer.ask("receive", { bytes });
    const sha256 = createHash("sha256").update(patternOf(0, bytes)).digest("hex");
    expect(got).toMatchObject({ bytes, sha256, errno: null });
  },

  async "B22 B24 who does not read stops the peer, and has every byte when it reads again"(
    hosts,
    stream,
  ) {
    const { connection, peer } = await connected(hosts, stream);
    await peer.ask("send", { bytes: 100 });
    while ((await connection.count()).bytesRead !== 100) await nothingFor(20);
    await connection.pause();
    const { bytes } = await peer.ask("fill");
    expect(bytes).toBeGreaterThan(MARK);
    expect(bytes).toBeLessThan(MOST_ON_THE_WAY);
    expect((await connection.count()).bytesRead).toBeLessThan(1_000_000);
    await connection.resume();
    // Of the last frame the rest was never sent.
    const least = (bytes as number) * 0.95 - 70_000;
    while (((await connection.count()).bytesRead as number) < least) await nothingFor(50);
    expect(connection.hasEnded).toBe(false);
  },
});
