import { PathMonitor } from "hawser";

await using monitor = new PathMonitor({
  change(_monitor, { changed }) {
    for (const { after } of changed) console.log(`${after.name} is ${after.up ? "up" : "down"}`);
  },
});
console.log(monitor.pathTo("127.0.0.1").interface?.kind);
for (const { name, addresses } of monitor.interfaces()) {
  if (addresses.some(({ address }) => address === "127.0.0.1")) console.log(name);
}
