// The name servers of this host, as resolv.conf(5) names them, followed without polling: inotify(7)
// or FSEvents through node:fs. Not here: resolving (resolver.ts).

import {
  closeSync,
  type FSWatcher,
  openSync,
  readlinkSync,
  readSync,
  watch as watchFile,
} from "node:fs";
import { basename, dirname, resolve } from "node:path";
import {
  MAX_NAME_SERVERS_COUNT,
  MAX_RESOLV_CONF_BYTES,
  NAME_SERVERS_SETTLE_MS,
} from "../../core/limits.ts";

const RESOLV_CONF = "/etc/resolv.conf";
/** As the kernel follows them (MAXSYMLINKS of path_resolution(7)). */
const MAX_LINKS_COUNT = 40;

const LINE = /^[ \t]*nameserver[ \t]+(\S+)/;

/** The addresses after `nameserver`, in their order. */
export function parseNameServers(text: string): string[] {
  const servers: string[] = [];
  for (const line of text.split("\n")) {
    const [, address] = LINE.exec(line) ?? [];
    if (address !== undefined && servers.length < MAX_NAME_SERVERS_COUNT) servers.push(address);
  }
  return servers;
}

/** Reads the file now; empty where there is none. */
export function readNameServers(path: string = RESOLV_CONF): string[] {
  const bytes = Buffer.alloc(MAX_RESOLV_CONF_BYTES);
  try {
    const descriptor = openSync(path, "r");
    try {
      return parseNameServers(bytes.toString("utf8", 0, readSync(descriptor, bytes)));
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return [];
  }
}

/** Follows the file, where it lies behind links as well. */
export class NameServers {
  readonly #path: string;
  readonly #changed: () => void;
  #watchers: FSWatcher[] = [];
  #timer: NodeJS.Timeout | undefined;
  #servers: readonly string[];

  /** @param changed called when the servers are others than before */
  constructor(changed: () => void, path: string = RESOLV_CONF) {
    this.#changed = changed;
    this.#path = path;
    this.#watch();
    this.#servers = readNameServers(path);
  }

  get servers(): readonly string[] {
    return this.#servers;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#unwatch();
  }

  // Every folder on the way, because files are replaced by renaming, and the file itself, because
  // one that is mounted there is written to elsewhere.
  #watch(): void {
    let path = this.#path;
    for (let links = 0; links < MAX_LINKS_COUNT; links++) {
      const name = basename(path);
      this.#add(dirname(path), (changed) => changed === name || changed === null);
      let target: string;
      try {
        target = readlinkSync(path);
      } catch {
        break;
      }
      path = resolve(dirname(path), target);
    }
    this.#add(path, () => true);
  }

  #add(path: string, concerns: (name: string | null) => boolean): void {
    try {
      const watcher = watchFile(path, { persistent: false }, (_, name) => {
        if (concerns(name)) this.#soon();
      });
      // A folder that is gone tells no more; the others tell when it is back.
      watcher.on("error", () => watcher.close());
      this.#watchers.push(watcher);
    } catch {
      // There is no such folder or file now.
    }
  }

  #unwatch(): void {
    for (const watcher of this.#watchers.splice(0)) watcher.close();
  }

  // A file that is written anew is empty for a moment.
  #soon(): void {
    this.#timer ??= setTimeout(() => this.#look(), NAME_SERVERS_SETTLE_MS).unref();
  }

  #look(): void {
    this.#timer = undefined;
    // The way to the file may be another one now. Watched first, so that nothing is missed.
    this.#unwatch();
    this.#watch();
    const servers = readNameServers(this.#path);
    if (servers.join() === this.#servers.join()) return;
    this.#servers = servers;
    this.#changed();
  }
}
