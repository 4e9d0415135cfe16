// A process of stream-socket.test.ts in a network namespace where lo has the address fe80::1234.

import { networkInterfaces } from "node:os";
import process from "node:process";
import { DatagramSocket, ListenSocket, StreamSocket } from "hawser";

const address = "fe80::1234";
const scopeId = networkInterfaces().lo.find((one) => one.address === address).scopeid;

const listener = new ListenSocket({ family: "IPv6" });
listener.bind({ address: `${address}%lo`, port: 0 });
listener.listen();
const { port } = listener.localAddress;

const answers = [];
const peers = [];
for (const [text, to] of [
  ["by zone", { address: `${address}%lo`, port }],
  ["by scopeId", { address, port, scopeId }],
]) {
  const client = new StreamSocket({ family: "IPv6" });
  await client.connect(to);
  const server = await listener.accept();
  await client.send(text);
  answers.push(String(await server.receive()));
  peers.push(server.remoteAddress.address);
  await Promise.all([client.close(), server.close()]);
}

const receiver = new DatagramSocket({ family: "IPv6" });
receiver.bind({ address, port: 0, scopeId });
const sender = new DatagramSocket({ family: "IPv6" });
await sender.send("a datagram", { address, port: receiver.localAddress.port, scopeId });
const datagram = await receiver.receive();
answers.push(String(datagram.data));

const lost = new StreamSocket({ family: "IPv6" });
const without = await lost.connect({ address, port }).catch((error) => error.code);

const listening = listener.localAddress.address;
await Promise.all([listener, receiver, sender, lost].map((socket) => socket.close()));
const datagramFrom = datagram.address;
process.stdout.write(JSON.stringify({ listening, peers, datagramFrom, answers, without }));
