// What contexts of clients and servers negotiate: protocols, names, sessions, keys.

import tls from "node:tls";
import { describe, expect, it } from "vitest";
import { certificates, der, dial, echo, failure, hasOpenssl, useCertificates } from "./support.ts";

useCertificates();

describe.skipIf(!hasOpenssl)("tls: (skipped without openssl)", () => {
  describe("what is negotiated", () => {
    it("B51 protocol, cipher, name and ALPN are reported on both sides", async () => {
      const options = { ...certificates.server, alpnProtocols: ["h2", "echo/1"] };
      const { url, connections } = await echo(options);
      const client = await dial(url, { alpnProtocols: ["echo/1"] });
      await client.send("x");
      expect(String(await client.receive())).toBe("x");
      const common = { protocol: "TLSv1.3", alpnProtocol: "echo/1", servername: "localhost" };
      expect(client.tls).toMatchObject({ ...common, authorized: true, authorizationError: null });
      expect(connections[0]?.tls).toMatchObject({ ...common, authorized: false });
      expect(client.tls?.cipher).toMatch(/^TLS_/);
      expect([client.transport, connections[0]?.transport]).toEqual(["tls", "tls"]);
    });

    it("B2 the establishment report has the phase tls", async () => {
      const { url } = await echo();
      const { establishmentReport } = await dial(url);
      expect(establishmentReport?.phases.map(({ phase }) => phase)).toEqual([
        "resolve",
        "connect",
        "tls",
      ]);
      expect(establishmentReport?.phases.every(({ durationMs }) => durationMs >= 0)).toBe(true);
    });

    it("B51 without a common application protocol the handshake fails on both sides", async () => {
      const { url, errors } = await echo({ ...certificates.server, alpnProtocols: ["h2"] });
      const error = await failure(dial(url, { alpnProtocols: ["echo/1"] }));
      expect(error).toMatchObject({
        code: "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL",
        phase: "tls",
      });
      await expect.poll(() => errors.length).toBe(1);
      expect(errors[0]).toMatchObject({ phase: "tls" });
    });

    it("B51 SNICallback chooses the certificate by the name that is asked for", async () => {
      const asked: string[] = [];
      const { url } = await echo({
        ...certificates.server,
        SNICallback(name, answer) {
          asked.push(name);
          answer(
            null,
            name === "other.test" ? tls.createSecureContext(certificates.other) : undefined,
          );
        },
      });
      const other = await dial(url, { servername: "other.test" });
      expect(other.tls?.servername).toBe("other.test");
      expect(other.tls?.presentedChain[0]).toEqual(der(certificates.other.cert));
      const usual = await dial(url);
      expect(usual.tls?.presentedChain[0]).toEqual(der(certificates.server.cert));
      expect(asked).toEqual(["other.test", "localhost"]);
    });

    it("an address asks for no name, and is verified by the certificate's addresses", async () => {
      const { port } = await echo();
      const client = await dial(`tls://127.0.0.1:${port}`);
      expect(client.tls).toMatchObject({ servername: null, authorized: true });
    });

    it("minVersion and maxVersion hold", async () => {
      const { url } = await echo({ ...certificates.server, maxVersion: "TLSv1.2" });
      expect((await dial(url)).tls?.protocol).toBe("TLSv1.2");
      expect(await failure(dial(url, { minVersion: "TLSv1.3" }))).toMatchObject({ phase: "tls" });
    });

    it("B51 a session is resumed, in TLS 1.3 and 1.2", async () => {
      for (const maxVersion of ["TLSv1.3", "TLSv1.2"] as const) {
        const { url } = await echo({ ...certificates.server, maxVersion });
        const first = await dial(url);
        await first.send("x");
        await first.receive();
        await expect.poll(() => first.tls?.session ?? null).not.toBeNull();
        const session = first.tls?.session as Buffer;
        expect(first.tls?.sessionReused).toBe(false);
        const second = await dial(url, { session });
        expect(second.tls?.sessionReused).toBe(true);
        await second.send("again");
        expect(String(await second.receive())).toBe("again");
      }
    });
  });

  describe("pre-shared keys", () => {
    const psk = { identity: "device-1", key: Buffer.from("0123456789abcdef") };

    it.each(["TLSv1.3", "TLSv1.2"] as const)(
      "B50 the right key connects (%s)",
      async (maxVersion) => {
        const { url, connections } = await echo({
          maxVersion,
          pskCallback: (identity) => (identity === psk.identity ? psk.key : null),
        });
        const client = await dial(url, { psk });
        await client.send("x");
        expect(String(await client.receive())).toBe("x");
        expect(connections[0]?.tls).toMatchObject({ protocol: maxVersion, presentedChain: [] });
      },
    );

    it.each(["TLSv1.3", "TLSv1.2"] as const)(
      "B50 the right identity with a wrong key fails the handshake (%s)",
      async (maxVersion) => {
        const { url, errors, connections } = await echo({ psk, maxVersion });
        const wrong = { identity: psk.identity, key: Buffer.from("fedcba9876543210") };
        expect(await failure(dial(url, { psk: wrong }))).toMatchObject({ phase: "tls" });
        await expect.poll(() => errors.length).toBe(1);
        expect(connections).toEqual([]);
      },
    );

    it("B50 an unknown identity fails the handshake", async () => {
      const { url } = await echo({ psk });
      const other = { identity: "device-2", key: psk.key };
      expect(await failure(dial(url, { psk: other }))).toMatchObject({ phase: "tls" });
    });
  });
});
