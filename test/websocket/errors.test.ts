// The errors of WebSockets: which there are, and what they say.

import { describe, expect, test } from "vitest";
import {
  closedByPeer,
  cutByPeer,
  failureBehind,
  failureOf,
  upgradeFailed,
  upgradeRefused,
} from "../../lib/websocket/errors.ts";
import type { CloseInfo } from "../../lib/websocket/protocol/index.ts";

const place = { address: "127.0.0.1", port: 80 };

function info(given: Partial<CloseInfo>): CloseInfo {
  return {
    code: 1_006,
    reason: "",
    wasClean: false,
    initiator: "remote",
    sentCode: undefined,
    failure: null,
    ...given,
  };
}

describe("the upgrade", () => {
  test("B43: a refusal has the whole answer", () => {
    const answer = {
      status: 401,
      statusText: "Unauthorized",
      headers: { a: "1" },
      rawHeaders: ["A", "1"],
      body: Buffer.from("no"),
    };
    const error = upgradeRefused(answer as never, place);
    expect(error).toMatchObject({
      name: "HawserError",
      code: "ERR_HAWSER_UPGRADE_REFUSED",
      phase: "upgrade",
      response: answer,
      ...place,
    });
    expect(error.message).toContain("401 Unauthorized");
    const silent = upgradeRefused({ ...answer, statusText: "" } as never, place);
    expect(silent.message).toMatch(/: 401$/);
  });

  test("a failure says why, with its cause", () => {
    const cause = new Error("beneath");
    expect(upgradeFailed("no HTTP", place, cause)).toMatchObject({
      code: "ERR_HAWSER_UPGRADE_FAILED",
      message: "The upgrade failed: no HTTP",
      phase: "upgrade",
      cause,
    });
  });
});

describe("the peer's Close", () => {
  test.each([1_000, 1_001, 1_005])("%i is no error for who reads messages", (code) => {
    expect(closedByPeer(code, "bye", place)).toBeNull();
  });

  test.each([1_002, 1_003, 1_007, 1_011, 3_000, 4_999])("%i is one, with its reason", (code) => {
    const error = closedByPeer(code, "bye", place);
    expect(error).toMatchObject({ code: "ERR_HAWSER_WEBSOCKET_CLOSED", phase: "close", ...place });
    expect(error?.message).toMatch(new RegExp(`${code}: bye$`));
    expect(closedByPeer(code, "", place)?.message).toMatch(new RegExp(`${code}$`));
  });

  test("inside a message every code is one", () => {
    for (const code of [1_000, 1_005, 4_000]) {
      const error = cutByPeer(code, "", place);
      expect(error.code).toBe("ERR_HAWSER_WEBSOCKET_CLOSED");
      expect(error.message).toContain(`${code} inside a message`);
    }
    expect(cutByPeer(1_000, "why", place).message).toMatch(/: why$/);
  });
});

describe("how it ended", () => {
  test("a broken rule is told with its close code, and is found behind the error", () => {
    const failure = { closeCode: 1_002, message: "RSV1 is set" };
    const error = failureOf(info({ failure }), false, place);
    expect(error).toMatchObject({ code: "ERR_HAWSER_WEBSOCKET_FAILED", phase: "open" });
    expect(error?.message).toContain("1002: RSV1 is set");
    expect(failureBehind(error as never)).toBe(failure);
    expect(failureBehind(upgradeFailed("other", place))).toBeUndefined();
  });

  test("an end without a Close is an error, unless we have cut it off", () => {
    expect(failureOf(info({}), false, place)).toMatchObject({
      code: "ERR_HAWSER_WEBSOCKET_CLOSED",
      phase: "open",
    });
    expect(failureOf(info({}), true, place)).toBeNull();
  });

  test("a Close is none, whether or not ours was exchanged for it", () => {
    expect(failureOf(info({ code: 1_000, wasClean: true }), false, place)).toBeNull();
    expect(failureOf(info({ code: 4_000 }), false, place)).toBeNull();
  });
});
