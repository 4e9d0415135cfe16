import { DatagramGroup } from "hawser";

const loopback = process.platform === "darwin" ? "lo0" : "lo";
const group = await DatagramGroup.join("udp://239.255.70.70:0", { interfaces: [loopback] });
await group.send("is anybody there?");
const heard = await group.receive();
console.log(`${heard?.data}`);
await group.leave();
