import dns from "node:dns";
import type { LookupFunction } from "node:net";
import { describe, expect, it, vi } from "vitest";
import { formatAddress } from "../../lib/core/address.ts";
import { HawserError } from "../../lib/errors/index.ts";
import { parseEndpoint } from "../../lib/net/endpoint.ts";
import { type ResolveOptions, resolve } from "../../lib/net/resolver.ts";

const NAME = { host: "db.test", address: undefined };
// A name that no resolver may know (RFC 6761 section 6.4).
const UNKNOWN = { host: "nowhere.invalid", address: undefined };

function answering(...answer: unknown[]): LookupFunction {
  return ((_host: string, _options: unknown, callback: (...args: unknown[]) => void) => {
    setImmediate(callback, ...answer);
  }) as LookupFunction;
}

function list(...addresses: string[]): LookupFunction {
  return answering(
    null,
    addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
  );
}

async function addresses(lookup: LookupFunction, options: ResolveOptions = {}): Promise<string[]> {
  return (await resolve(NAME, { ...options, lookup })).map(formatAddress);
}

async function failure(promise: Promise<unknown>): Promise<HawserError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(HawserError);
  return error as HawserError;
}

describe("resolve", () => {
  it("B4 gives a literal address back and asks nobody", async () => {
    const lookup = vi.fn();
    for (const text of ["tcp://192.0.2.1:80", "tcp://[::1]:80", "tcp://[::ffff:192.0.2.1]:80"]) {
      const endpoint = parseEndpoint(text, "connect");
      expect(await resolve(endpoint, { lookup })).toEqual([endpoint.address]);
    }
    const wrong = resolve(parseEndpoint("tcp://[::1]:80", "connect"), { lookup, family: 4 });
    expect(await failure(wrong)).toMatchObject({ code: "EAFNOSUPPORT", phase: "resolve" });
    expect(lookup).not.toHaveBeenCalled();
  });

  it("B4 asks the system's resolver off this thread, for all addresses in its order", async () => {
    const spy = vi.spyOn(dns, "lookup");
    try {
      const found = (await resolve({ host: "localhost", address: undefined })).map(formatAddress);
      expect(found.length).toBeGreaterThan(0);
      for (const address of found) expect(["127.0.0.1", "::1"]).toContain(address);
      expect(spy).toHaveBeenCalledExactlyOnceWith(
        "localhost",
        { all: true, verbatim: true, family: 0, hints: dns.ADDRCONFIG },
        expect.any(Function),
      );
    } finally {
      spy.mockRestore();
    }
  });

  it("asks the given lookup in the same way", async () => {
    const lookup = vi.fn(list("192.0.2.1"));
    await resolve(NAME, { lookup, family: 4 });
    expect(lookup).toHaveBeenCalledExactlyOnceWith(
      "db.test",
      { all: true, verbatim: true, family: 4, hints: 0 },
      expect.any(Function),
    );
  });

  it("keeps the resolver's order, and each address once", async () => {
    expect(await addresses(list("2001:db8::1", "192.0.2.1", "2001:DB8:0::1", "192.0.2.2"))).toEqual(
      ["2001:db8::1", "192.0.2.1", "192.0.2.2"],
    );
  });

  it("keeps zones apart", async () => {
    expect(await addresses(list("fe80::1%eth0", "fe80::1%eth1"))).toHaveLength(2);
  });

  it("keeps to the family it was asked for, whatever lookup gives", async () => {
    const both = list("2001:db8::1", "192.0.2.1");
    expect(await addresses(both, { family: 4 })).toEqual(["192.0.2.1"]);
    expect(await addresses(both, { family: 6 })).toEqual(["2001:db8::1"]);
    const none = addresses(list("192.0.2.1"), { family: 6 });
    expect(await failure(none)).toMatchObject({ code: "ENOTFOUND", hostname: "db.test" });
  });

  it("takes a lookup that gives one address in the old form", async () => {
    expect(await addresses(answering(null, "192.0.2.1", 4))).toEqual(["192.0.2.1"]);
  });

  it("takes a lookup that answers at once, or more than once", async () => {
    const eager = ((_: string, __: unknown, callback: (...args: unknown[]) => void) => {
      callback(null, [{ address: "192.0.2.1", family: 4 }]);
      callback(new Error("again"));
    }) as LookupFunction;
    expect(await addresses(eager)).toEqual(["192.0.2.1"]);
  });

  it.each([
    [undefined],
    [null],
    [42],
    [{}],
    ["not an address"],
    [[undefined]],
    [[{ address: "127.1", family: 4 }]],
    [[{ address: 5, family: 4 }]],
  ])("refuses %j from a lookup", async (answer) => {
    expect(await failure(addresses(answering(null, answer)))).toMatchObject({
      code: "ERR_INVALID_IP_ADDRESS",
      phase: "resolve",
      hostname: "db.test",
      message: expect.stringContaining("lookup of db.test gave no IP address"),
    });
  });

  it("takes an empty answer as no such name", async () => {
    expect(await failure(addresses(list()))).toMatchObject({
      code: "ENOTFOUND",
      message: "getaddrinfo ENOTFOUND db.test",
    });
  });
});

describe("errors of resolve", () => {
  it("B54 are those of Node, with the phase", async () => {
    const theirs = await dns.promises.lookup(UNKNOWN.host).catch((error: unknown) => error);
    const ours = await failure(resolve(UNKNOWN));
    const { code, errno, syscall, message } = theirs as NodeJS.ErrnoException;
    expect(ours).toMatchObject({
      code,
      errno,
      syscall,
      hostname: UNKNOWN.host,
      phase: "resolve",
    });
    expect(ours.message.startsWith(message)).toBe(true);
  });

  it("B54 of a lookup are kept as the cause", async () => {
    const cause = Object.assign(new Error("queryA ESERVFAIL"), { code: "ESERVFAIL" });
    expect(await failure(addresses(answering(cause)))).toMatchObject({
      message: "getaddrinfo ESERVFAIL db.test",
      code: "ESERVFAIL",
      syscall: "getaddrinfo",
      phase: "resolve",
      cause,
    });
  });

  it("of a lookup need no code, and may be thrown", async () => {
    const cause = new Error("strange");
    expect(await failure(addresses(answering(cause)))).toMatchObject({
      code: "ERR_HAWSER_LOOKUP",
      message: "strange",
      cause,
    });
    const throwing: LookupFunction = () => {
      throw cause;
    };
    expect(await failure(addresses(throwing))).toMatchObject({ cause });
  });
});

describe("signal of resolve", () => {
  const never: LookupFunction = () => {};

  it("ends the waiting with its reason", async () => {
    const controller = new AbortController();
    const promise = resolve(NAME, { lookup: never, signal: controller.signal });
    const reason = new Error("enough");
    controller.abort(reason);
    await expect(promise).rejects.toBe(reason);
  });

  it("that was aborted before asks nobody", async () => {
    const lookup = vi.fn(never);
    const signal = AbortSignal.abort("early");
    await expect(resolve(NAME, { lookup, signal })).rejects.toBe("early");
    await expect(resolve(parseEndpoint("tcp://[::1]:80", "connect"), { signal })).rejects.toBe(
      "early",
    );
    expect(lookup).not.toHaveBeenCalled();
  });

  it("keeps no listener once the answer is there", async () => {
    const { signal } = new AbortController();
    const add = vi.spyOn(signal, "addEventListener");
    const remove = vi.spyOn(signal, "removeEventListener");
    await resolve(NAME, { lookup: list("192.0.2.1"), signal });
    await failure(resolve(NAME, { lookup: list(), signal }));
    await failure(resolve(NAME, { lookup: answering(new Error("no")), signal }));
    expect(add).toHaveBeenCalledTimes(3);
    expect(remove.mock.calls.map(([, listener]) => listener)).toEqual(
      add.mock.calls.map(([, listener]) => listener),
    );
  });
});
