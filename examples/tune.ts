import { get } from "node:http";
import { getOption, tune } from "hawser";

const request = get(`http://127.0.0.1:${process.env.PORT}/`, (response) => {
  tune(response, { keepAlive: { idle: 60_000, interval: 10_000, count: 3 } });
  console.log(`dead after three silent probes: ${getOption(response, "TCP_KEEPCNT")}`);
  response.resume();
});
request.on("error", console.error);
