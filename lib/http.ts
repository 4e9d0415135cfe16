// The module hawser/http: node:http and undici over hawser. No code of its own.

import "./tls/index.ts";

export {
  Agent,
  type AgentOptions,
  createServer,
  type HttpConnectOptions,
  type HttpListenOptions,
  type HttpServer,
  HttpsAgent,
  type HttpsAgentOptions,
} from "./adapters/http.ts";
export { type ConnectorOptions, connector, type UndiciTarget } from "./adapters/undici.ts";
