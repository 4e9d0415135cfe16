// `hawser paths [ADDRESS]`: the interfaces, addresses, routes and name servers of this host, once
// or followed; or the path to one destination. Not here: how they are followed (lib/net/paths).

import { parseArgs } from "node:util";
import { parseAddress } from "../core/address.ts";
import { PathMonitor } from "../net/paths/monitor.ts";
import type {
  InterfaceAddress,
  NetworkInterface,
  Path,
  PathChange,
  PathSnapshot,
} from "../net/paths/types.ts";
import { readDuration, UsageError } from "./flags.ts";
import { type Palette, palette, table } from "./terminal.ts";

export const PATHS_HELP = `hawser paths [ADDRESS] [options]

Shows the interfaces with their addresses, the default routes and the name servers of this host;
with an ADDRESS, which interface, source address and gateway the kernel would use for it.

  --watch           shows each change, until Ctrl-C, which ends it with status 0
  --debounce 100ms  quiet time before a change is shown
  --json            as one JSON object; with --watch each change as one on a line`;

/** As `parseArgs` of node:util takes them. */
export const PATHS_FLAGS = {
  watch: { type: "boolean" },
  debounce: { type: "string" },
  json: { type: "boolean" },
} as const;

export async function runPaths(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: PATHS_FLAGS });
  const [address, extra] = positionals;
  if (extra !== undefined) throw new UsageError("paths takes one ADDRESS at most");
  const debounce =
    values.debounce === undefined ? undefined : readDuration(values.debounce, "--debounce");
  if (address !== undefined && parseAddress(address) === undefined) {
    throw new UsageError(`paths takes a literal ADDRESS: ${address}`);
  }
  const monitor = new PathMonitor({ debounce });
  try {
    const display = displayOf(monitor, address, values.json === true);
    if (values.watch === true) {
      // Before anything is shown: whoever has read that may end it.
      for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => void monitor.close());
    }
    display.show();
    if (values.watch !== true) return;
    for await (const change of monitor) display.tell(change);
  } finally {
    await monitor.close();
  }
}

interface Display {
  /** What there is now. */
  show(): void;
  tell(change: PathChange): void;
}

function displayOf(monitor: PathMonitor, address: string | undefined, json: boolean): Display {
  if (address !== undefined) return showPath(monitor, address, json);
  if (json) {
    return {
      show: () => console.log(JSON.stringify(monitor.snapshot)),
      tell: (change) => console.log(JSON.stringify({ time: new Date().toISOString(), ...change })),
    };
  }
  const colours = palette(process.stdout);
  return {
    show: () => console.log(describeSnapshot(monitor.snapshot, colours)),
    tell(change) {
      const time = colours.dim(new Date().toISOString());
      for (const line of describeChange(change)) console.log(`${time}  ${line}`);
    },
  };
}

// The path is asked for again at each change, and shown where it is another one.
function showPath(monitor: PathMonitor, address: string, json: boolean): Display {
  let last: string | undefined;
  const show = () => {
    const path = monitor.pathTo(address);
    const text = json ? JSON.stringify(path) : describePath(path);
    if (text === last) return;
    last = text;
    console.log(text);
  };
  return { show, tell: show };
}

/** The interface, source, gateway and MTU of a path on one line. */
export function describePath(path: Path): string {
  const { status, interface: used, sourceAddress, gateway, mtuBytes } = path;
  if (used === null) return status;
  const parts = [status, `through ${used.name} (${used.kind})`];
  if (sourceAddress !== null) parts.push(`from ${sourceAddress}`);
  if (gateway !== null) parts.push(`by way of ${gateway}`);
  if (mtuBytes !== null) parts.push(`MTU ${mtuBytes}`);
  return parts.join(", ");
}

/** Tables of a snapshot. */
export function describeSnapshot(snapshot: PathSnapshot, colours: Palette): string {
  const interfaces = [
    ["INDEX", "NAME", "KIND", "STATE", "MTU", "HARDWARE", "ADDRESSES"],
    ...snapshot.interfaces.flatMap(interfaceRows),
  ];
  const routes = snapshot.defaultRoutes.map(({ family, gateway, interface: index, metric }) => [
    family,
    gateway ?? "on the link",
    snapshot.interface(index)?.name ?? String(index),
    String(metric),
  ]);
  const servers = snapshot.dnsServers.length === 0 ? "none" : snapshot.dnsServers.join("  ");
  return [
    withHead(table(interfaces), colours),
    routes.length === 0
      ? "no default route"
      : withHead(table([["DEFAULT ROUTE", "GATEWAY", "INTERFACE", "METRIC"], ...routes]), colours),
    `${colours.bold("NAME SERVERS")}  ${servers}`,
  ].join("\n\n");
}

function withHead(text: string, colours: Palette): string {
  const [head = "", ...rows] = text.split("\n");
  return [colours.bold(head), ...rows].join("\n");
}

// One row for each address after the first.
function interfaceRows(one: NetworkInterface): string[][] {
  const { index, name, kind, mtuBytes, hardwareAddress, addresses } = one;
  const [first, ...others] = addresses.map(describeAddress);
  const own = [String(index), name, kind, stateOf(one), String(mtuBytes), hardwareAddress ?? "-"];
  return [[...own, first ?? "-"], ...others.map((address) => [...own.map(() => ""), address])];
}

function stateOf({ up, running }: NetworkInterface): string {
  if (!up) return "down";
  return running ? "up" : "no link";
}

function describeAddress({ address, prefixLength, state }: InterfaceAddress): string {
  const text = `${address}/${prefixLength}`;
  return state === "preferred" ? text : `${text} (${state})`;
}

/** A line for each thing that is different. */
export function describeChange(change: PathChange): string[] {
  const { added, removed, changed, snapshot } = change;
  const lines = [
    ...added.map((one) => `${one.name}: new, ${one.kind}, ${stateOf(one)}`),
    ...removed.map((one) => `${one.name}: gone`),
    ...changed.flatMap(({ before, after }) => differences(before, after)),
  ];
  if (change.defaultRoutesChanged) {
    const routes = snapshot.defaultRoutes.map(
      ({ gateway, interface: index }) =>
        `${gateway ?? "on the link"} on ${snapshot.interface(index)?.name ?? index}`,
    );
    lines.push(`default routes: ${routes.length === 0 ? "none" : routes.join(", ")}`);
  } else if (change.routesChanged) {
    lines.push("routes: changed");
  }
  if (change.dnsServersChanged) {
    lines.push(`name servers: ${snapshot.dnsServers.join(", ") || "none"}`);
  }
  return lines;
}

function differences(before: NetworkInterface, after: NetworkInterface): string[] {
  const lines: string[] = [];
  const say = (what: string) => lines.push(`${after.name}: ${what}`);
  if (before.name !== after.name) say(`was named ${before.name}`);
  if (stateOf(before) !== stateOf(after)) say(stateOf(after));
  if (before.mtuBytes !== after.mtuBytes) say(`MTU ${after.mtuBytes}, was ${before.mtuBytes}`);
  const [old, now] = [before.addresses.map(describeAddress), after.addresses.map(describeAddress)];
  for (const address of now) if (!old.includes(address)) say(`+ ${address}`);
  for (const address of old) if (!now.includes(address)) say(`- ${address}`);
  if (lines.length === 0) say("changed");
  return lines;
}
