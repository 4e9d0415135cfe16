// The suite's own permessage-deflate, against the examples of RFC 7692 section 7.2.3.

import { expect, test } from "vitest";
import { Codec, readAgreement } from "./deflate.ts";

const hello = Buffer.from("Hello");
const hex = (digits: string) => Buffer.from(digits, "hex");

test("the examples of RFC 7692 section 7.2.3", async () => {
  const { client } = readAgreement("permessage-deflate");
  const compressor = new Codec(client, "compress");
  expect(await compressor.compress(hello)).toEqual(hex("f248cdc9c90700"));
  expect(await compressor.compress(hello)).toEqual(hex("f200110000"));
  const inflater = new Codec(client, "inflate");
  expect(await inflater.inflate(hex("f248cdc9c90700"))).toEqual(hello);
  expect(await inflater.inflate(hex("f200110000"))).toEqual(hello);
  compressor.close();
  inflater.close();
});

test("without context takeover each message stands alone", async () => {
  const { server } = readAgreement("permessage-deflate; server_no_context_takeover");
  const compressor = new Codec(server, "compress");
  const first = await compressor.compress(hello);
  expect(await compressor.compress(hello)).toEqual(first);
  const inflater = new Codec(server, "inflate");
  expect(await inflater.inflate(first)).toEqual(hello);
  await expect(inflater.inflate(hex("f200110000"))).rejects.toThrow();
  inflater.close();
});

test.each([8, 9, 15])("a window of %i bits is kept both ways", async (bits) => {
  const { client } = readAgreement(`permessage-deflate; client_max_window_bits=${bits}`);
  const [compressor, inflater] = [new Codec(client, "compress"), new Codec(client, "inflate")];
  const message = Buffer.from("a window, ".repeat(5_000));
  expect((await inflater.inflate(await compressor.compress(message))).equals(message)).toBe(true);
  compressor.close();
  inflater.close();
});

test.each([
  "x-webkit-deflate-frame",
  "permessage-deflate; server_max_window_bits=16",
  "permessage-deflate; server_max_window_bits=7",
  "permessage-deflate; server_max_window_bits",
  "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
  "permessage-deflate; unknown",
])("a server may not answer %s", (answer) => {
  expect(() => readAgreement(answer)).toThrow();
});
