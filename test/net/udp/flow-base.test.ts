// What a flow tells of itself, and what becomes of errors that its handlers end with.

import { inspect } from "node:util";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { HawserError } from "../../../lib/errors/index.ts";
import { connect, interfaces, listen } from "../../../lib/index.ts";
import type { CloseResult } from "../../../lib/net/types.ts";
import type { UdpFlow } from "../../../lib/net/udp/flow.ts";
import type { UdpConnectOptions, UdpFlowHandler } from "../../../lib/net/udp/types.ts";
import { DatagramOutbox } from "../../../lib/socket/datagram-outbox.ts";
import { DatagramSocket } from "../../../lib/socket/datagram-socket.ts";
import { getOption } from "../../../lib/socket/options.ts";
import { collectUncaught, deferred, ownProcess, until } from "../support.ts";

const open: { close(): Promise<unknown> }[] = [];

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

function plainSocket(): DatagramSocket {
  const socket = new DatagramSocket({ family: "IPv4" });
  open.push(socket);
  socket.bind({ address: "127.0.0.1", port: 0 });
  return socket;
}

const portOf = (socket: DatagramSocket): number => socket.localAddress?.port ?? 0;

async function flowTo(port: number, options: UdpConnectOptions = {}) {
  const flow = await connect(`udp://127.0.0.1:${port}`, options);
  open.push(flow);
  return flow;
}

/** A port of nobody's. */
async function closedPort(): Promise<number> {
  const socket = plainSocket();
  const port = portOf(socket);
  await socket.close();
  return port;
}

describe("a flow", () => {
  test("tells both ends, and its options are read by its descriptor until it is closed", async () => {
    const listener = await listen("udp://[::]:0");
    open.push(listener);
    const flow = await flowTo(listener.port, { socketOptions: { IP_TTL: 7 } });
    await flow.send("x");
    const { value } = await listener[Symbol.asyncIterator]().next();
    const served = value as UdpFlow;
    for (const one of [flow, served]) {
      expect(one).toMatchObject({ remoteFamily: "IPv4", localFamily: "IPv4", state: "ready" });
      expect(one.writableNeedDrain).toBe(false);
    }
    expect(getOption(flow, "IP_TTL")).toBe(7);
    expect(served.fd).toBe(listener.fd);
    await flow.close();
    await served.close();
    expect([flow.fd, served.fd]).toEqual([-1, -1]);
    expect(listener.fd).toBeGreaterThan(0);
    expect(() => getOption(flow, "IP_TTL")).toThrow(/EBADF/);
  });

  test.each([
    ["udp://127.0.0.1:0", "127.0.0.1"],
    ["udp://0.0.0.0:0", "127.0.0.1"],
    ["udp://[::]:0", "::1"],
  ] as const)(
    "of a listener on %s answers %s from there, by the interface of arrival",
    async (url, address) => {
      const listener = await listen(url, { data: (flow, bytes) => flow.write(bytes) });
      open.push(listener);
      const host = address.includes(":") ? `[${address}]` : address;
      const flow = await connect(`udp://${host}:${listener.port}` as "udp://x");
      open.push(flow);
      await flow.send("x");
      expect(String(await flow.receive())).toBe("x");
      const [served] = listener.connections;
      const loopback = interfaces().find(({ kind }) => kind === "loopback");
      expect(served).toMatchObject({ localAddress: address, interface: loopback?.index });
      expect(flow.interface).toBeNull();
    },
  );

  test("is shown with what it is between, and nothing of its insides", async () => {
    const flow = await flowTo(portOf(plainSocket()));
    const shown = inspect(flow);
    expect(shown).toMatch(/^UdpFlow {/);
    expect(shown).toContain(`remotePort: ${flow.remotePort}`);
    expect(shown).not.toContain("policy");
  });

  test("of connect() lets the process end where it is unreferenced, and not before", async () => {
    const port = portOf(plainSocket());
    const program = ownProcess(`
      const flow = await connect("udp://127.0.0.1:${port}");
      flow.unref().ref().unref();
      say("open", flow.state);
    `);
    expect(await program.line()).toBe("open ready");
    expect(await program.exit).toBe(0);
  });

  test("resolves closed with the same whenever it is asked for", async () => {
    const flow = await flowTo(portOf(plainSocket()));
    await flow.send("four");
    const early = flow.closed;
    const result = await flow.close();
    expect(await early).toBe(result);
    const other = await flowTo(portOf(plainSocket()));
    other.abort();
    const late = await other.closed;
    expect(late).toMatchObject({ error: null, initiator: "local", transfer: { bytesRead: 0 } });
    expect(result.transfer.bytesHandedOver).toBe(4);
  });
});

test("send() stops waiting for room where its signal is aborted, and the flow goes on", async () => {
  const flow = await flowTo(portOf(plainSocket()));
  const reason = new Error("enough");
  const tell = vi.spyOn(DatagramOutbox.prototype, "tell").mockImplementationOnce(() => {});
  const controller = new AbortController();
  const waiting = flow.send("x", { signal: controller.signal });
  controller.abort(reason);
  await expect(waiting).rejects.toBe(reason);
  expect(tell).toHaveBeenCalledTimes(1);
  await flow.send("y", { signal: new AbortController().signal });
  await expect(flow.send("z", { signal: controller.signal })).rejects.toBe(reason);
  expect(flow.state).toBe("ready");
});

describe("a function for each flow", () => {
  async function served(handler: UdpFlowHandler) {
    const ends = deferred<CloseResult>();
    const open = (flow: UdpFlow) => void flow.closed.then(ends.resolve);
    const listener = await listen("udp://127.0.0.1:0", { idleTimeout: 50, open }, handler);
    const peer = plainSocket();
    await peer.send("x", { address: "127.0.0.1", port: listener.port });
    const closed = await ends.promise;
    await listener.close();
    return closed;
  }

  test("that waits for more when the flow is silent for too long ends quietly", async () => {
    await collectUncaught(async (errors) => {
      const closed = await served(async (flow) => {
        for (;;) await flow.receive();
      });
      expect(closed).toMatchObject({ error: null, initiator: "local" });
      expect(errors).toEqual([]);
    });
  });

  test("that waits for more when the listener is closed ends quietly", async () => {
    await collectUncaught(async (errors) => {
      const canceled: HawserError[] = [];
      const listener = await listen("udp://127.0.0.1:0", async (flow) => {
        await flow.receive();
        await flow.receive().catch((error) => {
          canceled.push(error);
          throw error;
        });
      });
      const peer = plainSocket();
      await peer.send("x", { address: "127.0.0.1", port: listener.port });
      await until("the flow is there", () => listener.connections.size === 1);
      await listener.close();
      await until("the handler was told", () => canceled.length === 1);
      expect(canceled[0]).toMatchObject({ code: "ECANCELED", port: portOf(peer) });
      expect(errors).toEqual([]);
    });
  });

  test("that fails for a reason of its own ends the flow, and is told of", async () => {
    await collectUncaught(async (errors) => {
      const closed = await served(async () => {
        throw Object.assign(new Error("mine"), { address: "127.0.0.1", syscall: "query" });
      });
      expect(closed).toMatchObject({ error: null });
      await until("it was told", () => errors.length > 0);
      expect(errors).toEqual([expect.objectContaining({ message: "mine" })]);
    });
  });

  test("that ends with the error of another flow does not end quietly", async () => {
    await collectUncaught(async (errors) => {
      const other = await flowTo(portOf(plainSocket()));
      await other.close();
      await served(async () => {
        await other.send("x");
      });
      await until("it was told", () => errors.length > 0);
      expect(errors).toEqual([expect.objectContaining({ code: "EPIPE" })]);
    });
  });
});

describe("a callback", () => {
  test("whose promise rejects with the flow's own error ends it quietly", async () => {
    await collectUncaught(async (errors) => {
      const ends = deferred<CloseResult>();
      const listener = await listen("udp://127.0.0.1:0", {
        open: (flow) => void flow.closed.then(ends.resolve),
        async data(flow) {
          await flow.send(Buffer.alloc(70_000));
        },
      });
      open.push(listener);
      await plainSocket().send("x", { address: "127.0.0.1", port: listener.port });
      expect(await ends.promise).toMatchObject({ error: null });
      expect(errors).toEqual([]);
    });
  });

  test("B39: error hears what ICMP says where data reads the flow, and the flow lives on", async () => {
    const told: unknown[] = [];
    const port = await closedPort();
    const flow = await flowTo(port, {
      data() {},
      error: (one, error) => told.push([one === flow, error.code, error.port]),
    });
    flow.write("void");
    await until("it was told", () => told.length === 1);
    expect(told).toEqual([[true, "ECONNREFUSED", port]]);
    expect(flow.state).toBe("ready");
    // It was told already.
    await flow.send("void again");
  });

  test("B39: without error the next send rejects with it", async () => {
    const flow = await flowTo(await closedPort(), { data() {} });
    flow.write("void");
    const failed = async () => {
      for (;;) {
        await new Promise((resolve) => setImmediate(resolve));
        const error: HawserError | null = await flow.send("x").then(
          () => null,
          (thrown) => thrown,
        );
        if (error !== null) return error;
      }
    };
    expect(await failed()).toMatchObject({ code: "ECONNREFUSED" });
  });

  test("error hears what the kernel refused of a write, after the call", async () => {
    const told: string[] = [];
    const flow = await flowTo(portOf(plainSocket()), {
      error: (_, error) => told.push(`${error.code} ${error.syscall}`),
    });
    flow.write(Buffer.alloc(70_000));
    expect(told).toEqual([]);
    await until("it was told", () => told.length === 1);
    expect(told).toEqual(["EMSGSIZE sendmsg"]);
  });
});
