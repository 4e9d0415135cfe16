// The module hawser/http: node:http and undici over hawser. No code of its own.

import "./tls/index.ts";

export {
  Agent,
  type AgentOptions,
  createServer,
  type HttpConnectOptions,
  type HttpListenOptions,
  HttpsAgent,
  type HttpsAgentOptions,
  type HttpServer,
} from "./adapters/http.ts";
export { connector, type ConnectorOptions, type UndiciTarget } from "./adapters/undici.ts";
