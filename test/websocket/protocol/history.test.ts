// The window of earlier messages: always the last bytes of all, whatever the sizes.

import fc from "fast-check";
import { expect, test } from "vitest";
import { History } from "../../../lib/websocket/protocol/history.ts";

test("the view is the tail of everything that was appended", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(1, 256, 1_000, 4_096),
      fc.array(fc.nat(3_000), { maxLength: 25 }),
      (capacity, sizes) => {
        const history = new History(capacity);
        let all = Buffer.alloc(0);
        for (const [at, size] of sizes.entries()) {
          const message = Buffer.alloc(size, at + 1);
          history.append(message);
          all = Buffer.concat([all, message]);
          const wanted = all.subarray(Math.max(0, all.length - capacity));
          expect((history.view() ?? Buffer.alloc(0)).equals(wanted)).toBe(true);
        }
      },
    ),
  );
});

test("memory grows with use, up to the window and a quarter", () => {
  const history = new History(32_768);
  expect(history.view()).toBeUndefined();
  history.append(Buffer.from("x"));
  expect(history.view()?.buffer.byteLength).toBeLessThanOrEqual(1_024);
  for (let at = 0; at < 200; at++) history.append(Buffer.alloc(1_000));
  expect(history.view()?.buffer.byteLength).toBe(40_960);
});
