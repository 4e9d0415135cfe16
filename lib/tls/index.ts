// Makes the engine over node:tls known to connections and listeners. Nothing else.

import { setTlsEngine } from "../net/tls-engine.ts";
import { nodeEngine } from "./context.ts";

setTlsEngine(nodeEngine);
