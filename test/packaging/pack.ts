// What npm would pack now, for the tests that look at it. Types are in it where they have been
// built (npm run build), binaries where npm run prebuild has made them. No tests here.

import { spawnSync } from "node:child_process";
import { cleanEnvironment, root } from "../guards/support.ts";

export interface Pack {
  /** Of the download, in bytes. */
  readonly size: number;
  readonly files: readonly { readonly path: string; readonly size: number }[];
}

/** Takes a second; leaves no file. */
export function packed(): Pack {
  const args = ["pack", "--dry-run", "--json", "--ignore-scripts"];
  const { status, stdout, stderr } = spawnSync("npm", args, {
    cwd: root,
    encoding: "utf8",
    env: cleanEnvironment(),
  });
  if (status !== 0) throw new Error(`npm pack: ${stderr}`);
  return (JSON.parse(stdout) as [Pack])[0];
}
