// Descriptors from a service manager: what the variables mean, and a process that gets them.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, describe, expect, test } from "vitest";
import { inheritedDescriptors } from "../../lib/socket/inherited.ts";
import { StreamSocket } from "../../lib/socket/stream-socket.ts";
import { closeAll, listening, thrown, tracked } from "./support.ts";

afterEach(closeAll);

const PID = 1234;
const read = (environment: Record<string, string>) => inheritedDescriptors(environment, PID);

describe("LISTEN_FDS (sd_listen_fds(3))", () => {
  test("names the descriptors from 3 on", () => {
    const environment = { LISTEN_PID: "1234", LISTEN_FDS: "3", LISTEN_FDNAMES: "http:dns:" };
    expect(read(environment)).toEqual([
      { fd: 3, name: "http" },
      { fd: 4, name: "dns" },
      { fd: 5, name: "unknown" },
    ]);
    expect(read({ LISTEN_PID: "1234", LISTEN_FDS: "1" })).toEqual([{ fd: 3, name: "unknown" }]);
  });

  test.each([
    [{}],
    [{ LISTEN_FDS: "1" }],
    [{ LISTEN_PID: "1234" }],
    [{ LISTEN_PID: "1235", LISTEN_FDS: "1" }],
    [{ LISTEN_PID: "1234", LISTEN_FDS: "0" }],
  ])("has none for this process in %j", (environment) => {
    expect(read(environment as Record<string, string>)).toEqual([]);
  });

  test.each([
    [{ LISTEN_PID: "me", LISTEN_FDS: "1" }],
    [{ LISTEN_PID: "1234", LISTEN_FDS: "-1" }],
    [{ LISTEN_PID: "1234", LISTEN_FDS: "1.5" }],
    [{ LISTEN_PID: "1234", LISTEN_FDS: "4097" }],
    [{ LISTEN_PID: "1234", LISTEN_FDS: "" }],
  ])("is EINVAL for %j", (environment) => {
    expect(thrown(() => read(environment))).toMatchObject({ code: "EINVAL" });
  });
});

test("a process accepts on the socket that it was started with", async () => {
  const { listener, address } = listening("IPv4");
  const program = `
    const { ListenSocket } = await import(${JSON.stringify(
      new URL("../../lib/socket/listen-socket.ts", import.meta.url).href,
    )});
    process.env.LISTEN_PID = String(process.pid);
    const [{ fd, name }] = ListenSocket.inherited();
    const listener = ListenSocket.adopt(fd);
    const socket = await listener.accept();
    await socket.send(name + " " + process.env.LISTEN_FDS);
    await socket.close();
    await listener.close();
  `;
  const child = spawn(
    process.execPath,
    ["--import", "tsx", "--input-type=module", "--eval", program],
    {
      stdio: ["ignore", "inherit", "inherit", listener.fd],
      env: { ...process.env, LISTEN_FDS: "1", LISTEN_FDNAMES: "echo" },
    },
  );
  const exited = once(child, "exit");
  const client = tracked(new StreamSocket({ family: "IPv4" }));
  await client.connect(address);
  // A child that fails never accepts.
  const said = await Promise.race([client.receive(), exited]);
  expect(String(said)).toBe("echo 1");
  expect(await client.receive()).toBeNull();
  expect(await exited).toEqual([0, null]);
});
