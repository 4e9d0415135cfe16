// A process, or a worker thread, of lifecycle.test.ts, over the built package. What it does is the
// name in its first argument, or in its worker data.

import { execFileSync } from "node:child_process";
import process from "node:process";
import { parentPort, workerData } from "node:worker_threads";
import { connect, counters, DatagramSocket, ListenSocket, listen, StreamSocket } from "hawser";

/**
 * Exit code 7, if something else has kept the process alive that long; then the sockets are closed,
 * so that it ends by itself in any case.
 */
function expectNothing(...sockets) {
  const found = () => {
    process.exitCode = 7;
    for (const socket of sockets) void socket.close();
  };
  setTimeout(found, 100).unref();
}

function openListener() {
  const listener = new ListenSocket({ family: "IPv4" });
  listener.bind({ address: "127.0.0.1", port: 0 });
  listener.listen();
  return listener;
}

const programs = {
  /** The package alone. */
  nothing() {
    expectNothing();
  },

  /** Sockets that were never used. */
  unused() {
    expectNothing(
      new StreamSocket({ family: "IPv4" }),
      new DatagramSocket({ family: "IPv4" }),
      new ListenSocket({ family: "IPv4" }),
    );
  },

  async closed() {
    const listener = openListener();
    const client = new StreamSocket({ family: "IPv4" });
    const accepting = listener.accept();
    await client.connect({ address: "127.0.0.1", port: listener.localAddress.port });
    const server = await accepting;
    await client.send("x");
    await server.receive();
    const datagrams = new DatagramSocket({ family: "IPv4" });
    datagrams.bind({ address: "127.0.0.1", port: 0 });
    await Promise.all([client, server, listener, datagrams].map((socket) => socket.close()));
    expectNothing();
  },

  listening() {
    expectNothing(openListener());
  },

  "listening, unref"() {
    expectNothing(openListener().unref());
  },

  "listening, unref and ref"() {
    expectNothing(openListener().unref().ref());
  },

  connected() {
    expectNothing(...StreamSocket.pair());
  },

  "connected, unref"() {
    expectNothing(...StreamSocket.pair().map((socket) => socket.unref()));
  },

  "connected, closed by abort"() {
    for (const socket of StreamSocket.pair()) socket.abort();
    expectNothing();
  },

  datagrams() {
    const socket = new DatagramSocket({ family: "IPv4" });
    socket.bind({ address: "127.0.0.1", port: 0 });
    expectNothing(socket);
  },

  "datagrams, unref"() {
    const socket = new DatagramSocket({ family: "IPv4" }).unref();
    socket.bind({ address: "127.0.0.1", port: 0 });
    expectNothing(socket);
  },

  /** Who awaits something of a socket without a reference waits no longer than the process. */
  "receiving, unref"() {
    const [left, right] = StreamSocket.pair();
    left.unref();
    right.unref();
    void left.receive();
    expectNothing(left, right);
  },

  /** B55: three handlers throw, in the turn of a fourth that does not. */
  async exceptions() {
    const thrown = [];
    process.on("uncaughtException", (error) => thrown.push(error.message));
    const received = [];
    const listener = await listen("tcp://127.0.0.1:0", {
      data(connection, bytes) {
        received.push(String(bytes));
        connection.write(bytes);
        if (String(bytes) !== "d") throw new Error(`handler of ${bytes}`);
      },
    });
    const names = ["a", "b", "c", "d"];
    const clients = await Promise.all(names.map(() => connect(`tcp://127.0.0.1:${listener.port}`)));
    await Promise.all(clients.map((client, index) => client.send(names[index])));
    const answers = await Promise.allSettled(clients.map((client) => client.receive()));
    await Promise.all(clients.map((client) => client.close()));
    await listener.close();
    process.stdout.write(
      JSON.stringify({
        answer: String(answers.at(-1).value),
        received: received.sort(),
        thrown: thrown.sort(),
      }),
    );
  },

  /** Says how often the kernel was called for sockets that nobody reads; strace counts as well. */
  async idle() {
    const sockets = Array.from({ length: 20 }, () => StreamSocket.pair());
    // One round trip each, so that each was used; then bytes that nobody reads.
    for (const [left, right] of sockets) {
      await left.send("x");
      await right.receive();
      await left.send("unread");
    }
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
    const before = counters();
    execFileSync("true"); // A mark in the trace.
    for (let turn = 0; turn < 50; turn++) await new Promise((done) => setTimeout(done, 1));
    const after = counters();
    execFileSync("true");
    process.stdout.write(
      JSON.stringify({
        receives: after.receives - before.receives,
        sends: after.sends - before.sends,
        waits: after.waits - before.waits,
        pollerChanges: after.pollerChanges - before.pollerChanges,
        dispatches: after.dispatches - before.dispatches,
      }),
    );
    for (const socket of sockets.flat()) void socket.close();
  },

  /** Fifty writes to one socket in one turn, for strace. */
  async fifty() {
    const [left, right] = StreamSocket.pair();
    await Promise.all(Array.from({ length: 50 }, (_, index) => left.send(`${index},`)));
    await left.close();
    await right.close();
  },

  /** Every kind of socket, each in the middle of something; then a word to the parent. */
  async busy() {
    const listener = openListener();
    void listener.accept().catch(() => {});
    const [left, right] = StreamSocket.pair();
    const datagrams = new DatagramSocket({ family: "IPv4" });
    datagrams.bind({ address: "127.0.0.1", port: 0 });
    const to = { address: "127.0.0.1", port: datagrams.localAddress.port };
    const echo = async () => {
      for await (const bytes of right) await right.send(bytes);
    };
    const talk = async () => {
      for (let round = 0; ; round++) {
        await left.send(Buffer.alloc(5_000));
        await left.receive({ min: 5_000 });
        await datagrams.send("x", to);
        await datagrams.receive();
        if (round === 10) parentPort?.postMessage("busy");
      }
    };
    const [third, fourth] = StreamSocket.pair();
    void third.receiveDescriptors();
    void fourth.send(Buffer.alloc(10_000_000)).catch(() => {});
    await Promise.all([echo(), talk()]);
  },
};

await programs[workerData?.program ?? process.argv[2]]();
