import { once } from "node:events";
import { createConnection, createServer } from "node:net";
import { constants } from "node:os";
import { describe, expect, it } from "vitest";
import { codeError, errnoError, errnoName, errnoOf } from "../../lib/errors/errno.ts";

const { ECONNREFUSED, ECONNRESET, EINPROGRESS, EADDRNOTAVAIL } = constants.errno;

describe("errnoName", () => {
  it("names every errno of the system, those that libuv does not know included", () => {
    for (const [name, number] of Object.entries(constants.errno)) {
      const found = errnoName(-number);
      // Two names may share a number (EAGAIN, EWOULDBLOCK).
      expect((constants.errno as Record<string, number>)[found], name).toBe(number);
    }
    expect(errnoName(-EINPROGRESS)).toBe("EINPROGRESS");
  });

  it("says so where a number has no name", () => {
    expect(errnoName(-31_337)).toBe("Unknown system error -31337");
  });
});

describe("errnoOf", () => {
  it("is the inverse of errnoName", () => {
    expect(errnoOf("ECONNREFUSED")).toBe(-ECONNREFUSED);
    expect(errnoOf("EWOULDBLOCK")).toBe(errnoOf("EAGAIN"));
    expect(errnoOf("ERR_HAWSER_X")).toBeUndefined();
  });
});

describe("errnoError", () => {
  it("B54 has code, errno, syscall and addresses, and the message of Node", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    server.close();
    await once(server, "close");
    const theirs = await new Promise<NodeJS.ErrnoException>((resolve) => {
      createConnection(port, "127.0.0.1").once("error", resolve);
    });
    const ours = errnoError(-ECONNREFUSED, "connect", { address: "127.0.0.1", port });
    expect(ours.message).toBe(theirs.message);
    expect(ours).toMatchObject({
      code: theirs.code,
      errno: theirs.errno,
      syscall: theirs.syscall,
      address: "127.0.0.1",
      port,
    });
  });

  it.each([
    ["recv ECONNRESET", {}],
    ["recv ECONNRESET 192.0.2.1:80", { address: "192.0.2.1", port: 80 }],
    ["recv ECONNRESET /run/s", { address: "/run/s" }],
    ["recv ECONNRESET db.internal", { hostname: "db.internal" }],
    [
      "recv ECONNRESET 192.0.2.1:80 - Local (192.0.2.2:9)",
      { address: "192.0.2.1", port: 80, localAddress: "192.0.2.2", localPort: 9 },
    ],
  ])("writes %j", (message, context) => {
    expect(errnoError(-ECONNRESET, "recv", context).message).toBe(message);
  });

  it("B54 ends with what to do where there is one thing to do", () => {
    const error = errnoError(-EADDRNOTAVAIL, "bind", { address: "192.0.2.1", port: 0 });
    expect(error.message).toBe(
      "bind EADDRNOTAVAIL 192.0.2.1:0: no interface of this machine has this address",
    );
  });
});

describe("codeError", () => {
  it("fills in the number where the system has one", () => {
    expect(codeError("ETIMEDOUT", "connect").errno).toBe(-constants.errno.ETIMEDOUT);
    expect("errno" in codeError("ERR_HAWSER_X", "connect")).toBe(false);
  });
});
