// Errors of TLS as this library's own.

import { describe, expect, it } from "vitest";
import { HawserError } from "../../lib/index.ts";
import { cutOff, refused, tlsError, truncated, unauthorized } from "../../lib/tls/errors.ts";

const place = { address: "192.0.2.1", port: 443, phase: "tls" } as const;

describe("errors of TLS", () => {
  it("keep the code of node:tls, the words of OpenSSL and the cause", () => {
    const cause = Object.assign(new Error("40E7:error:0A000418:SSL routines::tlsv1 alert"), {
      code: "ERR_SSL_TLSV1_ALERT_UNKNOWN_CA",
      reason: "tlsv1 alert unknown ca",
    });
    const error = tlsError(cause, place);
    expect(error).toBeInstanceOf(HawserError);
    expect(error).toMatchObject({ ...place, code: cause.code, cause });
    expect(error.message).toBe("TLS: tlsv1 alert unknown ca");
  });

  it("have a code of our own where there is none", () => {
    expect(tlsError(new Error("odd"), place)).toMatchObject({
      code: "ERR_HAWSER_TLS",
      message: "TLS: odd",
    });
    expect(tlsError("thrown", place).message).toBe("TLS: thrown");
  });

  it.each([
    [truncated(place), "ERR_HAWSER_TLS_TRUNCATED", "open"],
    [refused(place), "ERR_HAWSER_TLS_REFUSED", "tls"],
    [unauthorized("CERT_HAS_EXPIRED", place), "CERT_HAS_EXPIRED", "tls"],
    [cutOff(place), "ECONNRESET", "tls"],
  ])("%s", (error, code, phase) => {
    expect(error).toMatchObject({ address: "192.0.2.1", port: 443, code, phase });
  });

  it("B54: a truncated end says what can be done", () => {
    expect(truncated(place).message).toContain("requireCloseNotify");
  });
});
