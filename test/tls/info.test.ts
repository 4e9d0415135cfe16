// Who the peer is: chains, verification, and the callback that decides.

import { describe, expect, it } from "vitest";
import { Connection, connect, HawserError } from "../../lib/index.ts";
import type { TlsInfo } from "../../lib/net/types.ts";
import {
  certificates,
  cleanUps,
  der,
  dial,
  echo,
  failure,
  hasOpenssl,
  nodeServer,
  useCertificates,
} from "./support.ts";

useCertificates();

describe.skipIf(!hasOpenssl)("tls: (skipped without openssl)", () => {
  describe("who the peer is", () => {
    it("B49 presentedChain is what the peer sent, verifiedChain goes up to the root", async () => {
      const { url } = await echo();
      const { tls: info } = await dial(url);
      const [leaf, root] = [der(certificates.server.cert), der(certificates.ca)];
      const intermediate = der(certificates.intermediate);
      expect(info?.presentedChain).toEqual([leaf, intermediate]);
      expect(info?.verifiedChain).toEqual([leaf, intermediate, root]);
    });

    it("B49 a certificate that proves nothing is presented as it was sent", async () => {
      const { url } = await echo(certificates.stranger);
      const { tls: info } = await dial(url, { rejectUnauthorized: false });
      expect(info).toMatchObject({ authorized: false, verifiedChain: null });
      expect(info?.authorizationError).toBe("DEPTH_ZERO_SELF_SIGNED_CERT");
      expect(info?.presentedChain).toEqual([der(certificates.stranger.cert)]);
    });

    it.each([
      ["unknown", "stranger", {}, "DEPTH_ZERO_SELF_SIGNED_CERT"],
      ["for another name", "other", {}, "ERR_TLS_CERT_ALTNAME_INVALID"],
      [
        "for another name than servername",
        "server",
        { servername: "x.test" },
        "ERR_TLS_CERT_ALTNAME_INVALID",
      ],
    ] as const)(
      "B54 a certificate that is %s fails connect()",
      async (_what, who, options, code) => {
        const { url, port, errors, connections } = await echo(certificates[who]);
        const error = await failure(dial(url, options));
        expect(error).toBeInstanceOf(HawserError);
        expect(error).toMatchObject({ code, phase: "tls", port });
        expect(error.cause).toBeInstanceOf(Error);
        await expect.poll(() => connections.length + errors.length).toBe(1);
      },
    );

    it("B51 client certificates: asked for, verified, reported", async () => {
      const asking = { ...certificates.server, ca: certificates.ca, requestCert: true };
      const { url, connections, errors } = await echo({ ...asking, rejectUnauthorized: true });
      const client = await dial(url, certificates.client);
      await client.send("x");
      await client.receive();
      expect(connections[0]?.tls).toMatchObject({ authorized: true, authorizationError: null });
      // OpenSSL adds what it finds in the client's own store.
      expect(connections[0]?.tls?.presentedChain[0]).toEqual(der(certificates.client.cert));
      for (const identity of [{}, certificates.stranger]) {
        const refused = await dial(url, identity).catch((error: HawserError) => error);
        if (!(refused instanceof Error)) await refused.closed;
      }
      await expect.poll(() => errors.length).toBe(2);
      expect(errors.map(({ phase }) => phase)).toEqual(["tls", "tls"]);
      expect(connections.length).toBe(1);
    });

    it("B49 verify knows the chains, and decides before anything is delivered", async () => {
      const seen: TlsInfo[] = [];
      let decide: (accepted: boolean) => void = () => {};
      const port = await nodeServer(certificates.stranger, (socket) => socket.write("early"));
      const connecting = connect(`tls://localhost:${port}`, {
        tls: {
          verify(peer) {
            seen.push(peer);
            return new Promise((resolve) => {
              decide = resolve;
            });
          },
        },
      });
      await expect.poll(() => seen.length).toBe(1);
      expect(seen[0]).toMatchObject({ authorized: false });
      expect(seen[0]?.presentedChain).toEqual([der(certificates.stranger.cert)]);
      decide(true);
      const client = await connecting;
      cleanUps.push(() => client.abort());
      expect(String(await client.receive())).toBe("early");
    });

    it("B49 both chains are there inside an asynchronous verify, and nothing is sent before", async () => {
      const heard: string[] = [];
      const port = await nodeServer(certificates.server, (socket) => {
        socket.on("data", (bytes: Buffer) => {
          heard.push(String(bytes));
          socket.write("answer");
        });
      });
      const seen: TlsInfo[] = [];
      let heardMeanwhile = -1;
      const connection = new Connection(`tls://localhost:${port}`, {
        tls: {
          ca: certificates.ca,
          async verify(peer) {
            seen.push(peer);
            // Long enough for what was sent to arrive and be answered.
            await new Promise((resolve) => setTimeout(resolve, 100));
            heardMeanwhile = heard.length;
            return true;
          },
        },
      });
      cleanUps.push(() => connection.abort());
      connection.start().write("question");
      expect(String(await connection.receive())).toBe("answer");
      const [leaf, root] = [der(certificates.server.cert), der(certificates.ca)];
      const intermediate = der(certificates.intermediate);
      expect(seen).toHaveLength(1);
      expect(seen[0]).toMatchObject({
        authorized: true,
        presentedChain: [leaf, intermediate],
        verifiedChain: [leaf, intermediate, root],
      });
      expect([heardMeanwhile, heard]).toEqual([0, ["question"]]);
      expect(connection.tls).toBe(seen[0]);
    });

    it("B49 a server's verify knows the client's chains, and decides later", async () => {
      const seen: TlsInfo[] = [];
      const { url, connections, errors } = await echo({
        ...certificates.server,
        ca: certificates.ca,
        async verify(peer) {
          seen.push(peer);
          await new Promise((resolve) => setImmediate(resolve));
          return peer.authorized;
        },
      });
      const client = await dial(url, certificates.client);
      await client.send("x");
      expect(String(await client.receive())).toBe("x");
      const leaf = der(certificates.client.cert);
      expect(seen[0]?.presentedChain[0]).toEqual(leaf);
      expect(seen[0]?.verifiedChain).toEqual([leaf, der(certificates.ca)]);
      const stranger = await dial(url, certificates.stranger).catch((error) => error);
      if (!(stranger instanceof Error)) await stranger.closed;
      await expect.poll(() => errors.length).toBe(1);
      expect(errors[0]).toMatchObject({ code: "ERR_HAWSER_TLS_REFUSED", phase: "tls" });
      expect(seen[1]).toMatchObject({
        authorized: false,
        presentedChain: [der(certificates.stranger.cert)],
        verifiedChain: null,
      });
      expect(connections).toHaveLength(1);
    });

    it.each([
      ["says no", () => false, "ERR_HAWSER_TLS_REFUSED"],
      ["says no later", () => Promise.resolve(false), "ERR_HAWSER_TLS_REFUSED"],
      ["throws", () => Promise.reject(Object.assign(new Error("e"), { code: "EMINE" })), "EMINE"],
    ])("a verify that %s fails connect()", async (_what, verify, code) => {
      const { url } = await echo();
      expect(await failure(dial(url, { verify }))).toMatchObject({ code, phase: "tls" });
    });
  });
});
