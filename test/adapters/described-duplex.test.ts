// What a stream over a connection can be asked, as on net.Socket.

import { once } from "node:events";
import { get } from "node:https";
import type { TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toDuplex } from "../../lib/adapters/duplex.ts";
import { createServer } from "../../lib/http.ts";
import { Connection } from "../../lib/index.ts";
import { type Certificates, hasOpenssl, makeCertificates } from "./certificates.ts";
import { both, cleanUpAfterEach, cleanUps, pairOf } from "./duplex-support.ts";
import { hawserPair } from "./pairs.ts";

cleanUpAfterEach();

describe("properties", () => {
  it("addresses and counts are those of the connection", async () => {
    const { client, server } = await pairOf(hawserPair);
    expect(client.remoteAddress).toBe("127.0.0.1");
    expect([client.remoteFamily, client.localFamily]).toEqual(["IPv4", "IPv4"]);
    expect(client.remotePort).toBe(server.localPort);
    expect(client.localPort).toBe(server.remotePort);
    expect(client.address()).toEqual({
      address: "127.0.0.1",
      family: "IPv4",
      port: client.localPort,
    });
    client.write("12345");
    await once(server, "data");
    expect([client.bytesWritten, server.bytesRead, client.bufferSize]).toEqual([5, 5, 0]);
  });

  it("bytesWritten counts what waits, as in node:net", async () => {
    const { node, hawser } = await both(async ({ client }) => {
      client.write(Buffer.alloc(3_000_000));
      client.write("ü");
      return client.bytesWritten;
    });
    expect(hawser).toBe(node);
    expect(hawser).toBe(3_000_002);
  });

  it("unref() and ref() pass on and chain", async () => {
    const { client } = await pairOf(hawserPair);
    expect(client.unref().ref()).toBe(client);
  });

  it("toDuplex refuses what is no connection, and one whose data goes to a callback", async () => {
    expect(() => toDuplex({} as never)).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARG_TYPE" }),
    );
    const taken = new Connection("tcp://127.0.0.1:9", { data() {} });
    expect(() => toDuplex(taken)).toThrow(expect.objectContaining({ code: "ERR_INVALID_STATE" }));
  });
});

describe.skipIf(!hasOpenssl)("over TLS (skipped without openssl)", () => {
  let certificates: Certificates;
  beforeAll(() => {
    certificates = makeCertificates();
  });
  afterAll(() => certificates.remove());

  it("a request's socket tells of the client's certificate as a tls.TLSSocket does", async () => {
    const server = createServer((incoming, response) => {
      const socket = incoming.socket as TLSSocket;
      const certificate = socket.getPeerCertificate();
      const { issuerCertificate } = socket.getPeerCertificate(true);
      const facts = {
        encrypted: socket.encrypted,
        authorized: socket.authorized,
        subject: certificate.subject.CN,
        issuer: issuerCertificate.subject.CN,
        isRoot: issuerCertificate.issuerCertificate === issuerCertificate,
        fingerprint: socket.getPeerX509Certificate()?.fingerprint256 === certificate.fingerprint256,
        protocol: socket.getProtocol(),
        cipher: socket.getCipher().version,
        servername: Reflect.get(socket, "servername"),
        reused: socket.isSessionReused(),
      };
      response.end(JSON.stringify(facts));
    });
    cleanUps.push(() => server.close({ timeout: 0 }));
    const { port } = await server.listen("tls://localhost:0", {
      tls: { ...certificates.server, ca: certificates.ca, requestCert: true },
    });
    const options = { host: "localhost", port, ca: certificates.ca, ...certificates.client };
    const response = await new Promise<NodeJS.ReadableStream>((resolve, reject) => {
      get({ ...options, agent: false }, resolve).on("error", reject);
    });
    let text = "";
    for await (const bytes of response) text += bytes;
    expect(JSON.parse(text)).toEqual({
      encrypted: true,
      authorized: true,
      subject: "client",
      issuer: "root",
      isRoot: true,
      fingerprint: true,
      protocol: "TLSv1.3",
      cipher: "TLSv1.3",
      servername: "localhost",
      reused: false,
    });
  });

  it("without TLS there are no such functions, as on a net.Socket", async () => {
    const { node, hawser } = await both(async ({ client }) => {
      const socket = client as unknown as TLSSocket;
      const { getPeerCertificate, getProtocol, getCipher, encrypted, isSessionReused } = socket;
      return [getPeerCertificate, getProtocol, getCipher, encrypted, isSessionReused];
    });
    expect(hawser).toEqual(node);
  });
});
