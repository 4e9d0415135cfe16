// Standard input and output of the command, and what becomes of them at an end.

import { once } from "node:events";
import net, { type AddressInfo } from "node:net";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { Input, pipeBoth } from "../../lib/cli/pipe.ts";
import { connections } from "../adapters/pairs.ts";
import { foreignEnvironment, nodeArguments } from "../support/environment.ts";
import { cleanUpAfterEach, cleanUps, MAIN, Run } from "./support.ts";

cleanUpAfterEach();

async function pair() {
  const made = await connections({ allowHalfOpen: true });
  cleanUps.push(
    () => made.listener.close({ timeout: 0 }),
    () => made.client.abort(),
  );
  return made;
}

describe("pipeBoth", () => {
  it("both ends are passed on, each in its own time", async () => {
    const { client, server } = await pair();
    const [input, output] = [new PassThrough(), new PassThrough()];
    const piping = pipeBoth(client, new Input(input), output);
    input.end("question");
    expect(String(await server.receive({ min: 8 }))).toBe("question");
    expect(await server.receive()).toBeNull();
    await server.send("answer");
    await server.shutdown();
    await piping;
    output.end();
    expect(await text(output)).toBe("answer");
  });

  it("a pipe goes on after the peer's end, until its own", async () => {
    const { client, server } = await pair();
    const input = new PassThrough();
    const piping = pipeBoth(client, new Input(input), new PassThrough());
    await server.shutdown();
    input.write("still ");
    expect(String(await server.receive({ min: 6 }))).toBe("still ");
    input.end("here");
    await piping;
    expect(String(await server.receive({ min: 4 }))).toBe("here");
  });

  it("a person is not waited for, and the next line is for the next connection", async () => {
    const typed = Object.assign(new PassThrough(), { isTTY: true });
    const input = new Input(typed);
    const [first, second] = [await pair(), await pair()];
    const piping = pipeBoth(first.client, input, new PassThrough());
    await first.server.shutdown();
    await piping;
    typed.write("typed later");
    const again = pipeBoth(second.client, input, new PassThrough());
    expect(String(await second.server.receive())).toBe("typed later");
    await second.server.shutdown();
    await again;
  });

  it("a failure ends it although the input goes on", async () => {
    const { client, server } = await pair();
    const piping = pipeBoth(client, new Input(new PassThrough()), new PassThrough());
    server.abort();
    await expect(piping).rejects.toMatchObject({ code: "ECONNRESET" });
  });

  it("an input that fails is the failure", async () => {
    const { client } = await pair();
    const input = new PassThrough();
    const piping = pipeBoth(client, new Input(input), new PassThrough());
    input.destroy(new Error("unreadable"));
    await expect(piping).rejects.toThrow("unreadable");
  });
});

it("standard input that cannot be read is one line, and status 1", async () => {
  const server = net.createServer((socket) => socket.on("error", () => {})).listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanUps.push(() => server.close());
  const url = `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const node = ["env", ...nodeArguments(), process.execPath, MAIN, "connect", url];
  const run = new Run("sh", ["-c", 'exec "$@" 0> /dev/null', "sh", ...node], foreignEnvironment());
  expect(await run.ended()).toBe(1);
  expect(run.err).toMatch(/^hawser: EBADF[^\n]*\n$/);
});
