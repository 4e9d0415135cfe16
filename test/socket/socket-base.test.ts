// What sockets of all three kinds do alike.

import { closeSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { DatagramSocket, type DatagramSocketOptions } from "../../lib/socket/datagram-socket.ts";
import { ListenSocket } from "../../lib/socket/listen-socket.ts";
import { getOption, setOption } from "../../lib/socket/options.ts";
import { counters } from "../../lib/socket/reactor.ts";
import type { SocketBase } from "../../lib/socket/socket-base.ts";
import { StreamSocket } from "../../lib/socket/stream-socket.ts";
import { closeAll, isOpen, openDescriptors, socketPath, thrown, tracked } from "./support.ts";

afterEach(closeAll);

/** What the three have in common. */
type Kind = new (options: Pick<DatagramSocketOptions, "family" | "socketOptions">) => SocketBase;

describe.each<[string, Kind]>([
  ["StreamSocket", StreamSocket],
  ["ListenSocket", ListenSocket],
  ["DatagramSocket", DatagramSocket],
])("a %s", (_, Kind) => {
  test("owns one descriptor, until it is closed", async () => {
    const before = openDescriptors();
    const slots = counters().openSlots;
    const socket = tracked(new Kind({ family: "IPv4" }));
    expect(isOpen(socket.fd)).toBe(true);
    expect(socket.family).toBe("IPv4");
    expect(openDescriptors()).toBe(before + 1);
    await socket.close();
    await socket.close();
    expect(socket.fd).toBe(-1);
    expect(openDescriptors()).toBe(before);
    expect(counters().openSlots).toBe(slots);
  });

  test("binds to each family's addresses, and knows where (B30)", () => {
    for (const [family, address] of [
      ["IPv4", "127.0.0.1"],
      ["IPv6", "::1"],
    ] as const) {
      const socket = tracked(new Kind({ family }));
      expect(socket.localAddress?.port).toBe(0);
      socket.bind({ address, port: 0 });
      expect(socket.localAddress).toMatchObject({ address, family });
      expect(socket.localAddress?.port).toBeGreaterThan(0);
    }
    const path = socketPath();
    const socket = tracked(new Kind({ family: "unix" }));
    expect(socket.localAddress).toEqual({ address: "", family: "unix", port: 0 });
    socket.bind({ path });
    expect(socket.localAddress).toEqual({ address: path, family: "unix", port: 0 });
  });

  test("tells what bind was refused for (B54)", () => {
    const socket = tracked(new Kind({ family: "IPv4" }));
    const nobodys = { address: "192.0.2.1", port: 0 };
    const error = thrown(() => socket.bind(nobodys));
    expect(error).toMatchObject({ code: "EADDRNOTAVAIL", syscall: "bind", ...nobodys });
    expect(error.message).toContain("no interface of this machine has this address");
    const missing = { path: `${socketPath()}/none/s` };
    const unix = tracked(new Kind({ family: "unix" }));
    expect(thrown(() => unix.bind(missing))).toMatchObject({ address: missing.path });
  });

  test("has its options by methods and by the functions", () => {
    const socket = tracked(new Kind({ family: "IPv4", socketOptions: { SO_REUSEADDR: true } }));
    expect(socket.getOption("SO_REUSEADDR")).toBe(true);
    setOption(socket, "SO_REUSEADDR", false);
    expect(getOption(socket, "SO_REUSEADDR")).toBe(false);
    expect(() => socket.getOption("SO_REUSEADR" as never)).toThrow(/SO_REUSEADDR/);
  });

  test("gives duplicates and itself away", () => {
    const socket = tracked(new Kind({ family: "IPv4" }));
    socket.bind({ address: "127.0.0.1", port: 0 });
    const copy = socket.dup();
    expect(copy).not.toBe(socket.fd);
    const before = openDescriptors();
    const released = socket.release();
    expect(openDescriptors()).toBe(before);
    expect(socket.fd).toBe(-1);
    expect(thrown(() => socket.release())).toMatchObject({ code: "EBADF" });
    for (const fd of [copy, released]) {
      expect(isOpen(fd)).toBe(true);
      closeSync(fd);
    }
  });
});
