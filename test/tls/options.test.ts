// The options of TLS, checked.

import { describe, expect, it } from "vitest";
import { connect, listen } from "../../lib/index.ts";
import { certificates, failure, hasOpenssl, useCertificates } from "./support.ts";

useCertificates();

describe.skipIf(!hasOpenssl)("tls: (skipped without openssl)", () => {
  describe("options", () => {
    it.each([
      [{ ALPNProtocols: ["h2"] }, /alpnProtocols/],
      [{ cret: "x" }, /cert/],
      [{ alpnProtocols: "h2" }, /array/],
      [{ alpnProtocols: [""] }, /1 to 255/],
      [{ requestCert: 1 }, /requestCert/],
      [{ psk: { identity: "a" } }, /psk.key/],
      [{ session: "x" }, /session/],
      [{ verify: true }, /verify/],
    ])("%j is a TypeError", async (options, message) => {
      const connecting = async () => connect("tls://127.0.0.1:1", { tls: options as never });
      const error = await failure(connecting());
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toMatch(message);
    });

    it("a certificate that cannot be read fails at once, with phase tls", async () => {
      const broken = { key: certificates.server.key, cert: "-----BEGIN CERTIFICATE-----" };
      const listening = async () => listen("tls://127.0.0.1:0", { tls: broken });
      expect(await failure(listening())).toMatchObject({ phase: "tls" });
    });

    it("tls on an endpoint without TLS is a TypeError that names startTls()", async () => {
      const connecting = async () => connect("tcp://127.0.0.1:1", { tls: {} });
      expect((await failure(connecting())).message).toMatch(/startTls/);
      const listening = async () => listen("tcp://127.0.0.1:0", { tls: {} });
      expect(await failure(listening())).toBeInstanceOf(TypeError);
    });
  });
});
