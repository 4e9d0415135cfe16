// A listener, its group and its flows on a host of a scenario: takes commands as lines of JSON,
// answers each, and tells events (test/faults/support/program.ts).
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { connect, DatagramSocket, listen } from "../../../lib/index.ts";
import { watchPaths } from "../../../lib/net/paths/watch.ts";

let listener;
let group;
let checked;
let tallied;
const flows = new Map();
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const namesOf = () => group.interfaces.map(({ name }) => name);

function told(error) {
  const { code, address, port, syscall, errno, message } = error;
  return { code, address, port, syscall, errno, message };
}

// Each a byte longer than the one before, so that none are sent as segments of one: a shaper that
// cuts those drops what it has no room for without a word.
function numbered(count, bytes) {
  return Array.from({ length: count }, (_, number) => {
    const one = Buffer.alloc(bytes - count + number);
    one.writeUInt16BE(number);
    return one;
  });
}

/** UDP datagrams that this host has sent (proc(5), /proc/net/snmp). */
function sentHere() {
  const [names, values] = readFileSync("/proc/self/net/snmp", "utf8")
    .split("\n")
    .filter((line) => line.startsWith("Udp:"))
    .map((line) => line.split(" "));
  return Number(values[names.indexOf("OutDatagrams")]);
}

const operations = {
  async listen({ endpoint, options = {}, echo = false, quiet = false }) {
    listener = await listen(endpoint, {
      ...options,
      open(flow) {
        const { remoteAddress, remotePort, localAddress, interface: index } = flow;
        if (!quiet) say({ event: "flow", remoteAddress, remotePort, localAddress, index });
      },
      data(flow, bytes, info) {
        if (echo) flow.write(bytes);
        if (quiet) return;
        const { localAddress, interface: index } = info;
        say({ event: "data", text: `${bytes}`, from: flow.remoteAddress, localAddress, index });
      },
      error: (_, error) => say({ event: "error", ...told(error) }),
    });
    return { port: listener.port };
  },

  join({ options }) {
    group = listener.group({
      ...options,
      datagram(own, { data, address, interface: index }) {
        const by = own.interfaces.find((one) => one.index === index)?.name;
        say({ event: "heard", text: `${data}`, from: address, by });
      },
    });
    return { names: namesOf() };
  },

  /** When the group is joined on just these, and they have a link: before that nothing leaves. */
  async joined({ names }) {
    const isSo = () =>
      namesOf().join() === names.join() && group.interfaces.every(({ running }) => running);
    if (isSo()) return;
    await new Promise((resolve) => {
      const watch = watchPaths({
        changed() {
          if (!isSo()) return;
          watch.stop();
          resolve();
        },
      });
    });
  },

  sendToGroup: ({ text }) => group.send(text),
  send: ({ text, to }) => listener.send(text, to),

  async connect({ endpoint }) {
    const flow = await listener.connect(endpoint);
    flows.set(endpoint, flow);
    return { localAddress: flow.localAddress, maxDatagramSize: flow.maxDatagramSize };
  },

  async write({ endpoint, bytes, text }) {
    const flow = flows.get(endpoint);
    const failed = await flow.send(text ?? Buffer.alloc(bytes)).then(() => null, told);
    return { failed, state: flow.state };
  },

  /** Closes the flow of a peer. What this host has sent by then, and after a while: datagrams. */
  async close({ remoteAddress, remotePort }) {
    const before = sentHere();
    for (const flow of listener.connections) {
      const isIt = flow.remoteAddress === remoteAddress && flow.remotePort === remotePort;
      if (isIt) await flow.close();
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
    return { before, after: sentHere(), size: listener.connections.size };
  },

  size: ({ endpoint }) => ({ maxDatagramSize: flows.get(endpoint).maxDatagramSize }),

  // ---- datagrams that say which port they are from

  async check({ endpoint }) {
    checked = { wrong: [], count: 0, ports: new Set() };
    listener = await listen(endpoint, {
      receiveBufferSize: 8_000_000,
      data(flow, bytes) {
        const [port] = `${bytes}`.split(" ");
        if (Number(port) !== flow.remotePort) checked.wrong.push(`${bytes} on ${flow.remotePort}`);
        checked.ports.add(flow.remotePort);
        checked.count++;
      },
    });
    return { port: listener.port };
  },

  /** Sockets that answer everything with their own port. */
  answerers({ count, address }) {
    const ports = Array.from({ length: count }, () => {
      const socket = new DatagramSocket({ family: "IPv4" });
      socket.bind({ address, port: 0 });
      const { port } = socket.localAddress;
      void (async () => {
        for await (const { address: from, port: back } of socket) {
          await socket.send(`${port} answers`, { address: from, port: back });
        }
      })();
      return port;
    });
    return { ports };
  },

  async flood({ to, address, sockets, rounds }) {
    const flooding = Array.from({ length: sockets }, async () => {
      const socket = new DatagramSocket({ family: "IPv4" });
      socket.bind({ address, port: 0 });
      const { port } = socket.localAddress;
      for (let round = 0; round < rounds; round++) {
        await socket.send(`${port} ${round}`, to);
        if (round % 10 === 9) await new Promise((resolve) => setImmediate(resolve));
      }
      await socket.close();
    });
    await Promise.all(flooding);
  },

  async makeFlows({ address, ports }) {
    for (const port of ports) {
      const flow = await listener.connect(`udp://${address}:${port}`);
      await flow.send(`hello ${port}`);
      // So that flows are made all through the flood.
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  },

  /** When so many have come, or been lost for want of buffer. */
  async checked({ count }) {
    while (checked.count + listener.udpCounters.kernelDrops < count) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const { wrong, count: got, ports } = checked;
    return { wrong, got, flows: ports.size, ...listener.udpCounters };
  },

  // ---- more than a link takes

  /** Counts what arrives, and whether it is in the order of its first bytes. */
  async tally({ endpoint }) {
    tallied = { count: 0, isInOrder: true };
    listener = await listen(endpoint, {
      receiveBufferSize: 8_000_000,
      data(_, bytes) {
        tallied.isInOrder &&= bytes.readUInt16BE() === tallied.count;
        tallied.count++;
      },
    });
    return { port: listener.port };
  },

  async tallied({ count }) {
    while (tallied.count < count) await new Promise((resolve) => setTimeout(resolve, 5));
    return { ...tallied, ...listener.udpCounters };
  },

  /** Sends all at once; how much had to wait. */
  async burst({ endpoint, count, bytes }) {
    const flow = flows.get(endpoint);
    const sent = numbered(count, bytes).map((one) => flow.send(one));
    await new Promise((resolve) => setImmediate(resolve));
    const waited = flow.bufferedAmount;
    await Promise.all(sent);
    return { waited, left: flow.bufferedAmount };
  },

  /** Writes as long as it may, and goes on at each drain; how often that was. */
  async pour({ endpoint, count, bytes }) {
    let goOn = () => {};
    let drains = 0;
    const flow = await connect(endpoint, {
      sendHighWaterMark: 20 * bytes,
      drain() {
        drains++;
        goOn();
      },
    });
    for (const one of numbered(count, bytes)) {
      if (!flow.write(one)) {
        await new Promise((resolve) => {
          goOn = resolve;
        });
      }
      await Promise.resolve();
    }
    await flow.close();
    return { drains };
  },

  port: () => ({ port: listener.port }),

  counters: () => listener.udpCounters,
};

const commands = createInterface({ input: process.stdin });
// Whoever has started this is gone.
commands.on("close", () => process.exit());
commands.on("line", async (text) => {
  const command = JSON.parse(text);
  try {
    say({ id: command.id, ...((await operations[command.op](command)) ?? {}) });
  } catch (thrown) {
    say({ id: command.id, error: `${thrown.code}: ${thrown.message}` });
  }
});

say({ event: "started" });
