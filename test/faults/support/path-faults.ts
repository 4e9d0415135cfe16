// What can happen to a path between the client and the server, each as a script that makes it and
// one that mends it. Faults of a scenario alone stand with the hosts (network.ts); these strike a
// crowd (load.ts), all of it or the part that has addresses and a port of its own.

import type { HostName } from "./network.ts";

/** Second addresses of both hosts, which the part of a crowd has that a fault strikes alone. */
export const STRUCK_SERVER_ADDRESS = "10.71.2.3";
export const STRUCK_CLIENT_ADDRESS = "10.71.1.3";
export const STRUCK_PORT = 7_001;

export interface Fault {
  readonly host: HostName;
  readonly strike: string;
  readonly mend: string;
}

/** A rule for what the router forwards: all of it, or what goes to and comes from a port. */
export function forwarded(verdict: string, port?: number): Fault {
  const rules = port === undefined ? [""] : [`tcp dport ${port}`, `tcp sport ${port}`];
  return {
    host: "router",
    strike: `nft -f - <<'RULES'
      table inet path {
        chain forward {
          type filter hook forward priority 5; policy accept;
          ${rules.map((rule) => `${rule} ${verdict}`).join("\n")}
        }
      }
RULES`,
    mend: "nft delete table inet path",
  };
}

/** Nothing passes the router, and it says nothing of it. */
export const BLACK_HOLE = forwarded("drop");
export const BLACK_HOLE_OF_ONE_PORT = forwarded("drop", STRUCK_PORT);

/** The router answers each segment itself: net/ipv4/netfilter, `reject` of nft(8). */
export const says = (word: string, port?: number) => forwarded(`reject with ${word}`, port);

export const LINK_BEHIND_THE_ROUTER_DOWN: Fault = {
  host: "router",
  strike: "ip link set toserver down",
  mend: "ip link set toserver up",
};

export const ROUTERS_LINK_TO_US_DOWN: Fault = {
  host: "router",
  strike: "ip link set toclient down",
  mend: "ip link set toclient up",
};

/** A link that goes down takes its routes along. */
export const OUR_LINK_DOWN: Fault = {
  host: "client",
  strike: "ip link set eth0 down",
  mend: "ip link set eth0 up; ip route add default via 10.71.1.1",
};

export const NO_FORWARDING: Fault = {
  host: "router",
  strike: "sysctl -q -w net.ipv4.ip_forward=0",
  mend: "sysctl -q -w net.ipv4.ip_forward=1",
};

export const BLACKHOLE_ROUTE: Fault = {
  host: "router",
  strike: `ip route add blackhole ${STRUCK_SERVER_ADDRESS}/32`,
  mend: `ip route del blackhole ${STRUCK_SERVER_ADDRESS}/32`,
};

/** Nobody has that hardware address. */
export const WRONG_NEIGHBOUR: Fault = {
  host: "router",
  strike: `ip neigh replace ${STRUCK_SERVER_ADDRESS} lladdr 02:00:00:00:00:99 dev toserver nud permanent`,
  mend: `ip neigh del ${STRUCK_SERVER_ADDRESS} dev toserver`,
};

export const SERVERS_ADDRESS_GONE: Fault = {
  host: "server",
  strike: `ip address del ${STRUCK_SERVER_ADDRESS}/24 dev eth0`,
  mend: `ip address add ${STRUCK_SERVER_ADDRESS}/24 dev eth0`,
};

export const OUR_ADDRESS_GONE: Fault = {
  host: "client",
  strike: `ip address del ${STRUCK_CLIENT_ADDRESS}/24 dev eth0`,
  mend: `ip address add ${STRUCK_CLIENT_ADDRESS}/24 dev eth0`,
};

/** Loss: every tenth packet; one in five by chance (`numgen` of nft(8)). */
export const LOSES_EVERY_TENTH = forwarded("numgen inc mod 10 == 0 drop");
export const LOSES_ONE_IN_FIVE = forwarded("numgen random mod 100 < 20 drop");

/** Both directions share out less than what is said (tc-tbf(8)). */
export const NARROW: Fault = {
  host: "router",
  strike: ["toserver", "toclient"]
    .map((link) => `tc qdisc add dev ${link} root tbf rate 2mbit burst 16kb latency 200ms`)
    .join("\n"),
  mend: "tc qdisc del dev toserver root; tc qdisc del dev toclient root",
};
