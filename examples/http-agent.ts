import { get } from "node:http";
import { Agent } from "hawser/http";

const agent = new Agent({
  keepAlive: true,
  hawser: { connectTimeout: 5_000, keepAlive: { idle: 60_000, interval: 10_000, count: 3 } },
});
get(`http://127.0.0.1:${process.env.PORT}/`, { agent }, (response) => {
  response.on("data", (bytes) => console.log(response.statusCode, `${bytes}`));
  response.on("end", () => agent.destroy());
});
