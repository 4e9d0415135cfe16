// What runs beside the mDNS responder of mdns.test.ts, on another host of its link. It asks in the
// ways of RFC 6762, and prints what was answered as one line of JSON.
import dnsPacket from "dns-packet";
import { DatagramGroup, DatagramSocket, listen } from "../../lib/index.ts";

const PORT = 5_353;
const IPV4 = { group: "224.0.0.251", any: "0.0.0.0" };
const IPV6 = { group: "ff02::fb", any: "[::]" };
const NAME = "hawser-peer.local";
/** The top bit of a question's class: answer me alone (RFC 6762 section 5.4). */
const UNICAST_BIT = 0x80;
const ASK_AGAIN_MS = 500;

function question(type, { id = 0, unicast = false } = {}) {
  const bytes = dnsPacket.encode({ type: "query", id, questions: [{ type, name: NAME }] });
  // The class is what a message of one question ends with.
  if (unicast) bytes[bytes.length - 2] |= UNICAST_BIT;
  return bytes;
}

function answerIn(data, type) {
  const { type: kind, id, answers = [], additionals = [] } = dnsPacket.decode(data);
  if (kind !== "response") return undefined;
  const found = [...answers, ...additionals].find((one) => one.type === type && one.name === NAME);
  return found === undefined ? undefined : { id, data: found.data };
}

/** Asks until the answer is there: the responder may still be probing its name (section 8.1). */
async function untilAnswered(ask, answered) {
  let isOver = false;
  const asking = (async () => {
    while (!isOver) {
      await ask();
      await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
    }
  })();
  const answer = await answered;
  isOver = true;
  void asking;
  return answer;
}

async function byGroup({ group: address, any }, type) {
  const listener = await listen(`udp://${any}:${PORT}`);
  const names = [];
  const answered = new Promise((resolve) => {
    const group = listener.group({
      // Another way to write the same.
      address: address.toUpperCase().replace("::", ":0::00"),
      loopback: false,
      ttl: 255,
      datagram(own, datagram) {
        const found = answerIn(datagram.data, type);
        if (found === undefined) return;
        names.push(own.interfaces.find(({ index }) => index === datagram.interface)?.name);
        const { address: from, port, localAddress } = datagram;
        resolve({ ...found, from, port, localAddress, by: names[0] });
      },
    });
    untilAnswered.group = group;
  });
  const { group } = untilAnswered;
  const answer = await untilAnswered(() => group.send(question(type)), answered);
  await listener.close();
  return answer;
}

/** The answer comes to us alone, and so makes a flow. */
async function byUnicast({ group: address, any }, type) {
  const listener = await listen(`udp://${any}:${PORT}`);
  const group = listener.group({ address, loopback: false, ttl: 255 });
  const answered = (async () => {
    for await (const flow of listener) {
      const found = answerIn(await flow.receive(), type);
      const { remoteAddress: from, remotePort: port, localAddress } = flow;
      if (found !== undefined) return { ...found, from, port, localAddress };
    }
  })();
  const answer = await untilAnswered(() => group.send(question(type, { unicast: true })), answered);
  await listener.close();
  return answer;
}

/** From another port than 5353: a resolver that knows nothing of mDNS (section 6.7). */
async function byLegacy(type) {
  const socket = new DatagramSocket({ family: "IPv4" });
  socket.bind({ address: "0.0.0.0", port: 0 });
  const to = { address: IPV4.group, port: PORT };
  const answered = (async () => {
    for await (const { data, address: from, port } of socket) {
      const found = answerIn(data, type);
      if (found !== undefined) return { ...found, from, port };
    }
  })();
  const bytes = question(type, { id: 4_711 });
  const send = () => socket.sendMany([{ data: bytes, to, interface: "near" }]);
  const answer = await untilAnswered(send, answered);
  await socket.close();
  return answer;
}

/** With a port that another socket of this host has too. */
async function byShared(type) {
  const other = await DatagramGroup.join(`udp://${IPV4.group}:${PORT}`);
  const group = await DatagramGroup.join(`udp://${IPV4.group}:${PORT}`, { loopback: false });
  const answered = (async () => {
    for await (const { data, address: from, port } of group) {
      const found = answerIn(data, type);
      if (found !== undefined) return { ...found, from, port };
    }
  })();
  const answer = await untilAnswered(() => group.send(question(type)), answered);
  await Promise.all([group.leave(), other.leave()]);
  return answer;
}

const results = {
  group: await byGroup(IPV4, "A"),
  shared: await byShared("A"),
  unicast: await byUnicast(IPV4, "A"),
  legacy: await byLegacy("A"),
  group6: await byGroup(IPV6, "AAAA"),
};
console.log(JSON.stringify(results));
