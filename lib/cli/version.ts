// The version of the package, from its package.json.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../binding/loader.ts";

export const VERSION: string = JSON.parse(
  readFileSync(join(packageRoot(import.meta.dirname), "package.json"), "utf8"),
).version;
