// The record of an end.

import { expect, test } from "vitest";
import { Closing } from "../../../lib/websocket/protocol/closing.ts";

test("without a Close it is 1006 and not clean", () => {
  expect(new Closing("remote").toInfo()).toEqual({
    code: 1006,
    reason: "",
    wasClean: false,
    initiator: "remote",
    sentCode: undefined,
    failure: null,
  });
});

test("a failure is never clean", () => {
  const closing = new Closing("local");
  closing.clean = true;
  expect(closing.toInfo().wasClean).toBe(true);
  closing.failure = { closeCode: 1002, message: "rule" };
  expect(closing.toInfo()).toMatchObject({ wasClean: false, failure: { closeCode: 1002 } });
});
