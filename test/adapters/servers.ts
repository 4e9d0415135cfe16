// Database servers for the tests, each on a free port of loopback with its data in a temporary
// folder: PostgreSQL, Redis, MariaDB. And the packages that speak to them.

import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import net, { type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { foreignEnvironment } from "../support/environment.ts";
import type { Identity } from "./certificates.ts";

const peers = fileURLToPath(new URL("../peers/", import.meta.url));

// npm writes it last.
const installed = join(peers, "node_modules", ".package-lock.json");

/** Whether the packages of `test/peers` are there; installs them by their lockfile. */
export function installPeers(): boolean {
  if (existsSync(installed)) return true;
  const install = "npm ci --no-audit --no-fund --ignore-scripts";
  // Test files run at the same time, and npm ci removes what another has just installed.
  const once = `test -e node_modules/.package-lock.json || ${install}`;
  const guarded = onPath("flock") === undefined ? once : `flock package.json sh -c '${once}'`;
  spawnSync("sh", ["-c", guarded], {
    cwd: peers,
    stdio: "ignore",
    env: foreignEnvironment(),
  });
  return existsSync(installed);
}

/** A package of `test/peers`. */
export function peer<T>(name: string): T {
  return createRequire(join(peers, "package.json"))(name) as T;
}

export interface RedisClient {
  ping(): Promise<string>;
  set(key: string, value: string | Buffer): Promise<string>;
  getBuffer(key: string): Promise<Buffer | null>;
  incr(key: string): Promise<number>;
  blpop(key: string, seconds: number): Promise<unknown>;
  quit(): Promise<string>;
  disconnect(): void;
  on(event: string, listener: (error: Error & { code?: string }) => void): void;
}

/** A client of ioredis over the stream that `open` gives, which does not connect again. */
export function redisClient(open: () => Duplex): RedisClient {
  const { Redis, AbstractConnector } = peer<{
    Redis: new (options: object) => RedisClient;
    AbstractConnector: new (timeout: number) => object;
  }>("ioredis");
  class Connector extends AbstractConnector {
    connecting = false;
    stream: Duplex | undefined;
    constructor() {
      super(1_000);
    }
    async connect(): Promise<Duplex> {
      this.connecting = true;
      this.stream = open();
      return this.stream;
    }
  }
  return new Redis({
    Connector,
    keepAlive: 1_000,
    maxRetriesPerRequest: 1,
    retryStrategy: () => null,
  });
}

export interface DatabaseServer {
  readonly port: number;
  /** Closes its connections in the middle, as a crash would. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

/** Where a program is, or undefined. */
export function onPath(name: string): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(":").concat("/usr/sbin");
  return folders.map((folder) => join(folder, name)).find(existsSync);
}

/** Where Debian keeps PostgreSQL's programs. */
function postgresFolder(): string | undefined {
  const root = "/usr/lib/postgresql";
  if (!existsSync(root)) return undefined;
  const versions = readdirSync(root).sort((a, b) => Number(b) - Number(a));
  return versions
    .map((version) => join(root, version, "bin"))
    .find((bin) => existsSync(join(bin, "initdb")));
}

export const hasPostgres = postgresFolder() !== undefined;
export const hasRedis = onPath("redis-server") !== undefined;
export const hasMariadb = onPath("mariadbd") !== undefined;

/** A port that was free a moment ago, for programs that take no port of 0. */
export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

// PostgreSQL refuses to run as root, and MariaDB asks to be told who it is.
const isRoot = process.getuid?.() === 0;
const NOBODY = 65_534;
const unprivileged = isRoot ? { uid: NOBODY, gid: NOBODY } : {};
/** How programs are run that are not ours: who they are, and their environment. */
export const foreign = { ...unprivileged, env: foreignEnvironment() };

/** A temporary folder that such a program may write to. */
export function newFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `${name}-`));
  if (isRoot) chmodSync(folder, 0o777);
  return folder;
}

async function running(
  child: ChildProcess,
  folder: string,
  port: number,
  log: () => string,
): Promise<DatabaseServer> {
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill(signal);
      await once(child, "exit");
    }
  };
  const server = {
    port,
    kill: () => end("SIGKILL"),
    async stop() {
      await end("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    },
  };
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the server did not start:\n${log()}`);
    if (await answers(port)) return server;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Whether something accepts connections there. */
export function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

function start(command: string, args: string[], folder: string, port: number) {
  const child = spawn(command, args, { cwd: folder, ...foreign });
  let log = "";
  child.stdout.on("data", (bytes) => {
    log += bytes;
  });
  child.stderr.on("data", (bytes) => {
    log += bytes;
  });
  return running(child, folder, port, () => log);
}

/** The settings of PostgreSQL for TLS; it wants its key to be its own. */
function postgresTls(folder: string, { cert, key }: Identity): string[] {
  const file = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    if (isRoot) chownSync(path, NOBODY, NOBODY);
    return path;
  };
  const settings = [
    "ssl=on",
    `ssl_cert_file=${file("crt", cert)}`,
    `ssl_key_file=${file("key", key)}`,
  ];
  return settings.flatMap((setting) => ["-c", setting]);
}

/** @param identity with one it also takes TLS */
export async function startPostgres(identity?: Identity): Promise<DatabaseServer> {
  const bin = postgresFolder() as string;
  const folder = newFolder("postgres");
  const port = await freePort();
  const data = join(folder, "data");
  const options = { cwd: folder, stdio: "ignore" as const, ...foreign };
  const how = ["-D", data, "-U", "test", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"];
  execFileSync(join(bin, "initdb"), how, options);
  const settings = ["-c", "fsync=off", "-c", `unix_socket_directories=${folder}`];
  const tls = identity === undefined ? [] : postgresTls(folder, identity);
  const args = ["-D", data, "-h", "127.0.0.1", "-p", `${port}`, ...settings, ...tls];
  return start(join(bin, "postgres"), args, folder, port);
}

export async function startRedis(): Promise<DatabaseServer> {
  const folder = newFolder("redis");
  const port = await freePort();
  const settings = ["--bind", "127.0.0.1", "--save", "", "--dir", folder];
  return start("redis-server", ["--port", `${port}`, ...settings], folder, port);
}

export async function startMariadb(): Promise<DatabaseServer> {
  const folder = newFolder("mariadb");
  const port = await freePort();
  const data = join(folder, "data");
  const install = [
    "--no-defaults",
    `--datadir=${data}`,
    "--auth-root-authentication-method=normal",
  ];
  const options = { cwd: folder, stdio: "ignore" as const, ...foreign };
  execFileSync("mariadb-install-db", [...install, "--skip-test-db"], options);
  const args = [
    "--no-defaults",
    `--datadir=${data}`,
    `--port=${port}`,
    "--bind-address=127.0.0.1",
    `--socket=${join(folder, "socket")}`,
    `--pid-file=${join(folder, "pid")}`,
    "--skip-grant-tables",
    "--skip-networking=0",
    "--innodb-flush-log-at-trx-commit=0",
  ];
  return start(onPath("mariadbd") as string, args, folder, port);
}
