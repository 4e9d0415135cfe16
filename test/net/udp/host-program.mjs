// What runs in the namespaces of hosts.test.ts: `node host-program.mjs server` or `client`. Each
// prints lines of JSON.
import { DatagramGroup, DatagramSocket, listen } from "../../../lib/index.ts";

const PORT = 9_000;
const GROUP = "239.72.1.1";
const OTHER_GROUP = "239.72.1.2";
const say = (value) => console.log(JSON.stringify(value));

async function server() {
  const listener = await listen(`udp://[::]:${PORT}`, {
    data(flow, bytes, info) {
      const { localAddress, interface: index } = info;
      const flowLocal = flow.localAddress;
      const text = bytes.length > 100 ? bytes.length : bytes.toString();
      flow.write(JSON.stringify({ text, localAddress, flowLocal, index }));
    },
  });
  listener.group({
    address: GROUP,
    datagram(group, { data, interface: index, localAddress, address, port }) {
      const own = group.interfaces.find((one) => one.index === index)?.name;
      void listener.send(JSON.stringify({ text: data.toString(), group: localAddress, own }), {
        address,
        port,
      });
    },
  });
  say({ ready: true });
  process.stdin.once("end", () => listener.close()).resume();
}

const answerOf = async (socket) => {
  const { data, address } = await socket.receive();
  return { from: address, ...JSON.parse(data) };
};

async function asked(results) {
  const socket = new DatagramSocket({ family: "IPv4" });
  socket.bind({ address: "0.0.0.0", port: 0 });
  for (const address of ["10.72.1.2", "10.72.1.3", "10.72.2.2"]) {
    await socket.send("who", { address, port: PORT });
    results.asked.push({ address, answer: await answerOf(socket) });
  }
  await socket.close();
}

async function broadcast(results) {
  const plain = await listen("udp://0.0.0.0:0");
  const refused = await plain.send("x", { address: "10.72.1.255", port: PORT }).catch((e) => e);
  results.refused = { code: refused.code, message: refused.message };
  await plain.close();
  const own = await listen("udp://0.0.0.0:0", { broadcast: true });
  const flows = own[Symbol.asyncIterator]();
  await own.send("subnet", { address: "10.72.1.255", port: PORT });
  const { value: first } = await flows.next();
  results.broadcast.push({ from: first.remoteAddress, ...JSON.parse(await first.receive()) });
  await own.send("all", { address: "255.255.255.255", port: PORT, interface: "second" });
  const { value: second } = await flows.next();
  results.broadcast.push({ from: second.remoteAddress, ...JSON.parse(await second.receive()) });
  await own.close();
}

async function group(results) {
  const own = await listen("udp://0.0.0.0:0");
  const sent = own.group({ address: GROUP, loopback: false });
  results.joined = sent.interfaces.map(({ name }) => name);
  const socket = new DatagramSocket({ family: "IPv4" });
  socket.bind({ address: "0.0.0.0", port: 0 });
  for (const name of ["first", "second"]) {
    await socket.sendMany([
      { data: `by ${name}`, to: { address: GROUP, port: PORT }, interface: name },
    ]);
    results.group.push(await answerOf(socket));
  }
  // What one group keeps from this host the other lets it hear, from the same socket.
  const looping = own.group({ address: OTHER_GROUP, interfaces: ["first"] });
  let leaked = null;
  const note = ({ data }) => {
    leaked = String(data);
  };
  // Rejects when the group is left.
  void sent.receive().then(note, () => {});
  void sent.send("not for this host");
  void looping.send("for this host");
  await sent.send("not for this host either");
  results.looping = String((await looping.receive()).data);
  await looping.send("again");
  results.again = String((await looping.receive()).data);
  results.leaked = leaked;
  // Members on one port of this host, two of them for one source only: this host, and another.
  const all = await DatagramGroup.join(`udp://${GROUP}:9001`, { interfaces: ["first"] });
  const other = await DatagramGroup.join(`udp://${GROUP}:9001`, {
    interfaces: ["first"],
    source: "10.72.1.99",
  });
  const right = await DatagramGroup.join(`udp://${GROUP}:9001`, {
    interfaces: ["first"],
    source: "10.72.1.1",
  });
  await all.send("to members here too");
  results.bySource = String((await right.receive()).data);
  await right.leave();
  results.looped = String((await all.receive()).data);
  await other.leave();
  results.left = await other.receive();
  await all.leave();
  await socket.close();
  await own.close();
}

async function sizes(results) {
  const own = await listen("udp://0.0.0.0:0");
  const flow = await own.connect(`udp://10.72.1.2:${PORT}`);
  results.maxDatagramSize = flow.maxDatagramSize;
  results.tooLarge = await flow.send(Buffer.alloc(1_473)).catch((error) => error.code);
  await flow.send(Buffer.alloc(1_472, "f"));
  results.fits = JSON.parse(await flow.receive()).text;
  await own.close();
}

async function client() {
  const results = { asked: [], broadcast: [], group: [] };
  await asked(results);
  await broadcast(results);
  await group(results);
  await sizes(results);
  say(results);
}

await (process.argv[2] === "server" ? server() : client());
