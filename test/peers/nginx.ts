// nginx as Debian has it, on free ports of loopback with everything of its own in a temporary
// folder. Not here: what it is asked to do.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { answers, foreign, freePort, newFolder, onPath } from "../adapters/servers.ts";

const program = onPath("nginx");
const streamModule = "/usr/lib/nginx/modules/ngx_stream_module.so";

/** With its module for TCP, which Debian packs apart. */
export const hasNginx = program !== undefined && existsSync(streamModule);

/** What is configured by the names of ports. */
export interface Setup {
  /** Names; each is given a free port. */
  readonly ports: readonly string[];
  /** Files in its folder, which relative paths of the configuration begin from. */
  readonly files?: Readonly<Record<string, string | Buffer>>;
  /** Contents of the blocks `http` and `stream`. */
  readonly http: (ports: Readonly<Record<string, number>>) => string;
  readonly stream: (ports: Readonly<Record<string, number>>) => string;
}

export interface Nginx {
  readonly ports: Readonly<Record<string, number>>;
  stop(): Promise<void>;
}

const TEMPORARY = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];

export async function startNginx(setup: Setup): Promise<Nginx> {
  const { ports: names, files = {}, http, stream } = setup;
  const folder = newFolder("nginx");
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  const ports: Record<string, number> = {};
  for (const name of names) ports[name] = await freePort();
  const temporary = TEMPORARY.map((name) => `${name}_temp_path ${folder}/${name};`).join("\n");
  writeFileSync(
    join(folder, "nginx.conf"),
    `load_module ${streamModule};
     daemon off;
     worker_processes 1;
     pid ${folder}/pid;
     events { worker_connections 512; }
     http { access_log off; ${temporary} ${http(ports)} }
     stream { ${stream(ports)} }`,
  );
  const args = ["-e", "stderr", "-p", folder, "-c", join(folder, "nginx.conf")];
  const child = spawn(program as string, args, { cwd: folder, ...foreign });
  let log = "";
  child.stderr.on("data", (text) => {
    log += text;
  });
  child.stdout.resume();
  // Its worker would outlive a master that is killed.
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGTERM");
      await once(child, "exit");
    }
    rmSync(folder, { recursive: true, force: true });
  };
  for (const port of Object.values(ports)) {
    while (!(await answers(port))) {
      if (child.exitCode !== null) throw new Error(`nginx did not start:\n${log}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  return { ports, stop };
}
