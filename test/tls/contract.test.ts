// The contract of byte streams over TLS, and over node's streams on top of a connection.

import { afterAll, beforeAll, describe } from "vitest";
import { connect, listen } from "../../lib/index.ts";
import { type Certificates, hasOpenssl, makeCertificates } from "../adapters/certificates.ts";
import { checkByteStream, type EndOptions } from "../contract/byte-stream.ts";

describe.skipIf(!hasOpenssl)("contract (skipped without openssl)", () => {
  let certificates: Certificates;
  beforeAll(() => {
    certificates = makeCertificates();
  });
  afterAll(() => certificates.remove());

  for (const maxVersion of ["TLSv1.3", "TLSv1.2"] as const) {
    checkByteStream({
      name: maxVersion,
      pair: async (options: EndOptions) => {
        const { server, ca } = certificates;
        const tls = { ...server, maxVersion };
        const listener = await listen("tls://127.0.0.1:0", {
          newConnectionLimit: 1,
          ...options,
          tls,
        });
        const accepting = listener[Symbol.asyncIterator]().next();
        const near = await connect(`tls://127.0.0.1:${listener.port}`, { ...options, tls: { ca } });
        const accepted = await accepting;
        if (accepted.done) throw new Error("nothing was accepted");
        const far = accepted.value;
        void Promise.all([near.closed, far.closed]).then(() => listener.close());
        return [near, far];
      },
    });
  }
});
