// Three hosts for one scenario, as network namespaces: client - router - server. Faults happen at
// the router. Not here: what runs in them (program.ts, hosts.ts).

import { spawn } from "node:child_process";
import { foreignEnvironment } from "../../support/environment.ts";

export type HostName = "client" | "router" | "server";
export type Direction = "both" | "toServer" | "toClient";

/** The addresses: the router has .1 on both links. */
export const CLIENT_ADDRESS = "10.71.1.2";
export const SERVER_ADDRESS = "10.71.2.2";
/** The same in IPv6: the router has ::1 on both links. */
export const CLIENT_ADDRESS_6 = "fd71:1::2";
export const SERVER_ADDRESS_6 = "fd71:2::2";

const PREFIX = "hawser";
let count = 0;
let stale: Promise<void> | undefined;

/** Runs a shell script. @throws with what it said where it fails. */
function shell(script: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn("sh", ["-e"], {
      stdio: ["pipe", "pipe", "pipe"],
      env: foreignEnvironment(),
    });
    let said = "";
    let complained = "";
    child.stdout.on("data", (text) => {
      said += text;
    });
    child.stderr.on("data", (text) => {
      complained += text;
    });
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve(said);
      else reject(new Error(`${script}\nended with ${code}: ${complained}`));
    });
    child.stdin.end(script);
  });
}

/** Removes what runs that were killed have left behind. */
async function removeStale(): Promise<void> {
  for (const line of (await shell("ip netns list")).split("\n")) {
    const [, name = "", owner] = new RegExp(`^(${PREFIX}-(\\d+)-\\d+-\\w+)`).exec(line) ?? [];
    if (owner === undefined || isRunning(Number(owner))) continue;
    await shell(`ip netns delete ${name}`).catch(() => {});
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

export class Network {
  readonly #prefix: string;

  private constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** Makes the three hosts and their links. About 100 ms. */
  static async create(): Promise<Network> {
    stale ??= removeStale();
    await stale;
    const network = new Network(`${PREFIX}-${process.pid}-${++count}`);
    const [c, r, s] = (["client", "router", "server"] as const).map((host) =>
      network.namespace(host),
    );
    await shell(`
      ip netns add ${c}; ip netns add ${r}; ip netns add ${s}
      for ns in ${c} ${r} ${s}; do ip -n $ns link set lo up; done
      ip link add toclient netns ${r} type veth peer name eth0 netns ${c}
      ip link add toserver netns ${r} type veth peer name eth0 netns ${s}
      ip -n ${r} address add 10.71.1.1/24 dev toclient; ip -n ${r} link set toclient up
      ip -n ${r} address add 10.71.2.1/24 dev toserver; ip -n ${r} link set toserver up
      ip -n ${c} address add ${CLIENT_ADDRESS}/24 dev eth0; ip -n ${c} link set eth0 up
      ip -n ${s} address add ${SERVER_ADDRESS}/24 dev eth0; ip -n ${s} link set eth0 up
      ip -n ${c} route add default via 10.71.1.1
      ip -n ${s} route add default via 10.71.2.1
      ip -n ${r} address add fd71:1::1/64 dev toclient nodad
      ip -n ${r} address add fd71:2::1/64 dev toserver nodad
      ip -n ${c} address add ${CLIENT_ADDRESS_6}/64 dev eth0 nodad
      ip -n ${s} address add ${SERVER_ADDRESS_6}/64 dev eth0 nodad
      ip -n ${c} route add default via fd71:1::1
      ip -n ${s} route add default via fd71:2::1
      ip netns exec ${r} sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
    `);
    return network;
  }

  namespace(host: HostName): string {
    return `${this.#prefix}-${host}`;
  }

  /** Runs a shell script on a host. */
  run(host: HostName, script: string): Promise<string> {
    const quoted = script.replaceAll("'", "'\\''");
    return shell(`ip netns exec ${this.namespace(host)} sh -e -c '${quoted}'`);
  }

  /** Drops everything that the router forwards, without a word to anybody. */
  async blackHole(direction: Direction = "both"): Promise<void> {
    const side = direction === "toServer" ? "oifname toserver" : "oifname toclient";
    await this.run(
      "router",
      `nft -f - <<'RULES'
        table inet fault {
          chain forward {
            type filter hook forward priority 0; policy accept;
            ${direction === "both" ? "" : side} counter drop
          }
        }
RULES`,
    );
  }

  /** Answers everything that the client sends to the server with a RST. */
  async resetAll(): Promise<void> {
    await this.run(
      "router",
      `nft -f - <<'RULES'
        table inet fault {
          chain forward {
            type filter hook forward priority 0; policy accept;
            oifname toserver meta l4proto tcp reject with tcp reset
          }
        }
RULES`,
    );
  }

  /** Ends `blackHole` and `resetAll`. */
  async heal(): Promise<void> {
    await this.run("router", "nft delete table inet fault");
  }

  /** Translates addresses as a home router does, and forgets nothing by itself. */
  async translate(): Promise<void> {
    await this.run(
      "router",
      `sysctl -q -w net.netfilter.nf_conntrack_tcp_loose=0
       nft -f - <<'RULES'
        table ip nat {
          chain postrouting {
            type nat hook postrouting priority 100; policy accept;
            oifname toserver masquerade
          }
        }
        table ip guard {
          chain forward {
            type filter hook forward priority 0; policy accept;
            ct state invalid drop
          }
          chain input {
            type filter hook input priority 0; policy accept;
            tcp dport >= 1024 drop
          }
        }
RULES`,
    );
  }

  /** Loses every mapping of `translate`: packets of both sides are dropped from now on. */
  async loseMappings(): Promise<void> {
    await this.run("router", "conntrack -F 2>/dev/null");
  }

  /** Takes a link down at the router's end. */
  async linkDown(towards: "client" | "server"): Promise<void> {
    await this.run("router", `ip link set to${towards} down`);
  }

  async sysctl(host: HostName, setting: string): Promise<void> {
    await this.run(host, `sysctl -q -w ${setting}`);
  }

  /** Removes the hosts. What runs in them must have ended. */
  async remove(): Promise<void> {
    for (const host of ["client", "router", "server"] as const) {
      await shell(`ip netns delete ${this.namespace(host)}`).catch(() => {});
    }
  }
}
