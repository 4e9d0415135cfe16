// What a user can do about an error, where there is one thing to do. One table.
// Not here: anything that makes or throws an error.

import type { ErrorContext } from "./hawser-error.ts";

/** The system a hint is for; an argument so that every row can be tested on every system. */
export interface HintHost {
  readonly platform: string;
  /** Major number of the kernel's release: 24 is macOS 15. */
  readonly kernelMajor: number;
}

export interface HintRow {
  readonly code: string;
  /** Matches any call where absent. */
  readonly syscall?: readonly string[];
  readonly platform?: string;
  /** A further condition on the place of the error. */
  readonly when?: (context: ErrorContext, host: HintHost) => boolean;
  readonly text: string;
}

// Since macOS 15 (Darwin 24) reaching the local network needs the user's consent.
const DARWIN_LOCAL_NETWORK_PRIVACY = 24;
const FIRST_UNPRIVILEGED_PORT = 1024;
const BINDING = ["bind", "listen"] as const;
const SENDING = ["send", "sendto", "sendmsg", "sendmmsg", "connect"] as const;
const DESCRIPTOR_MAKING = ["socket", "accept", "accept4", "open", "dup", "fcntl"] as const;

// Private (RFC 1918, 4193), link-local (RFC 3927, 4291), multicast (RFC 5771, 4291), broadcast.
const LOCAL_NETWORK = [
  /^(?:10|192\.168|172\.(?:1[6-9]|2\d|3[01]))\./,
  /^f[cd][0-9a-f]{2}:/i,
  /^169\.254\./,
  /^fe[89ab][0-9a-f]:/i,
  /^(?:22[4-9]|23\d)\./,
  /^ff[0-9a-f]{2}:/i,
  /^255\.255\.255\.255$/,
];

const BROADCAST = /\.255$/;

function privileged(context: ErrorContext): boolean {
  const port = context.port ?? context.localPort ?? 0;
  return port > 0 && port < FIRST_UNPRIVILEGED_PORT;
}

function deniedLocalNetwork(context: ErrorContext, host: HintHost): boolean {
  const { address } = context;
  if (host.kernelMajor < DARWIN_LOCAL_NETWORK_PRIVACY || address === undefined) return false;
  return LOCAL_NETWORK.some((range) => range.test(address));
}

function isPath(context: ErrorContext): boolean {
  return context.port === undefined && context.address !== undefined;
}

function isAdopted(context: ErrorContext): boolean {
  return /^fd:\d+$/.test(context.address ?? "");
}

const LOCAL_NETWORK_TEXT =
  "macOS may have denied Local Network access; allow it for this program in System Settings > " +
  "Privacy & Security > Local Network";

/** The first row that matches is taken; so the special ones stand before the general. */
export const HINTS: readonly HintRow[] = [
  {
    code: "EADDRINUSE",
    syscall: BINDING,
    when: isPath,
    text: "the path exists; remove it if no process listens on it",
  },
  {
    code: "EADDRINUSE",
    syscall: BINDING,
    when: (context) => context.reason === "UDP_PORT",
    text: "if a listener here has this port, its flows begin with listener.connect()",
  },
  {
    code: "EADDRINUSE",
    syscall: BINDING,
    text: "another socket has this port; stop its process, or take port 0 for any free one",
  },
  {
    code: "EADDRINUSE",
    syscall: ["connect"],
    text: "another socket of this machine has the same local and remote address and port",
  },
  {
    code: "EADDRNOTAVAIL",
    syscall: BINDING,
    text: "no interface of this machine has this address",
  },
  {
    code: "EADDRNOTAVAIL",
    syscall: ["connect"],
    text: "no local address or port is free for this destination",
  },
  {
    code: "EACCES",
    syscall: BINDING,
    when: privileged,
    text: "ports below 1024 need a privilege (root, or CAP_NET_BIND_SERVICE on Linux)",
  },
  {
    code: "EACCES",
    syscall: SENDING,
    when: (context) => BROADCAST.test(context.address ?? ""),
    text: "set broadcast: true to send to a broadcast address",
  },
  { code: "EACCES", when: isPath, text: "this process may not use the path" },
  {
    code: "EBADF",
    when: isAdopted,
    text: "this process has no such descriptor open",
  },
  {
    code: "ENOTSOCK",
    when: isAdopted,
    text: "the descriptor is open, and no socket",
  },
  {
    code: "EPROTOTYPE",
    when: isAdopted,
    text:
      "the socket is of another kind; listen({ fd }) takes a listening stream, and each of " +
      "StreamSocket, ListenSocket and DatagramSocket (UDP) adopts its own",
  },
  {
    code: "EINVAL",
    when: isAdopted,
    text: "the socket does not listen; who has opened it has to call listen(2) first",
  },
  {
    code: "EMFILE",
    syscall: DESCRIPTOR_MAKING,
    text: "this process has no descriptor left; raise its limit (ulimit -n)",
  },
  {
    code: "ENFILE",
    syscall: DESCRIPTOR_MAKING,
    text: "the system has no descriptor left",
  },
  {
    code: "ENOTSUP",
    syscall: ["listen", "bind", "setsockopt"],
    platform: "darwin",
    when: (context) => context.reason === "REUSE_PORT",
    text:
      "macOS does not balance connections between listeners with reusePort; the last one takes " +
      "all. Set socketOptions: { SO_REUSEPORT: 1 } to have the raw option nevertheless",
  },
  {
    code: "ENETUNREACH",
    when: (context) => context.reason === "PROHIBITED_INTERFACE",
    text: "every way there is through an interface of prohibitedInterfaces",
  },
  {
    code: "ENETUNREACH",
    when: (context) => context.reason === "INTERFACE_KIND",
    text: "no way there is through an interface of requiredInterfaceKind",
  },
  {
    code: "ENETDOWN",
    when: (context) => context.reason === "VIABILITY_TIMEOUT",
    text: "the local address, the link or the route was away for the whole of viabilityTimeout",
  },
  {
    code: "EHOSTUNREACH",
    platform: "darwin",
    when: deniedLocalNetwork,
    text: LOCAL_NETWORK_TEXT,
  },
  {
    code: "ENETDOWN",
    platform: "darwin",
    when: deniedLocalNetwork,
    text: LOCAL_NETWORK_TEXT,
  },
  {
    code: "EMSGSIZE",
    syscall: ["send", "sendto", "sendmsg", "sendmmsg"],
    text: "send at most maxDatagramSize bytes, or set fragment: true",
  },
  {
    code: "ENOENT",
    syscall: ["connect"],
    when: isPath,
    text: "no socket has this path; is the server running?",
  },
  {
    code: "ECONNREFUSED",
    syscall: ["connect"],
    when: isPath,
    text: "the path is there, but no process listens on it",
  },
  {
    code: "EINVAL",
    syscall: ["connect", "bind"],
    when: (context) => /^fe[89ab][0-9a-f]:[^%]*$/i.test(context.address ?? ""),
    text: "a link-local address needs its zone, as in [fe80::1%eth0]",
  },
  {
    code: "EFAULT",
    syscall: ["read"],
    text: "what was received was detached with another chunk; copy a chunk before transferring it",
  },
  {
    code: "EFAULT",
    text: "a buffer was detached or shrunk before the kernel had taken it; wait for send()",
  },
  {
    code: "EAI_AGAIN",
    syscall: ["getaddrinfo"],
    text: "no name server answered; is this machine connected?",
  },
  {
    code: "ETIMEDOUT",
    when: (context) => context.reason === "SEND_STALLED",
    text: "the peer is alive and did not read for the whole of stallTimeout",
  },
  {
    code: "ETIMEDOUT",
    when: (context) => context.reason === "PEER_UNREACHABLE",
    text: "the peer acknowledges nothing any more",
  },
  {
    code: "ETIMEDOUT",
    when: (context) => context.reason === "IDLE_TIMEOUT",
    text: "nothing was sent or received for the whole of idleTimeout",
  },
  {
    code: "ETIMEDOUT",
    when: (context) => context.reason === "CLOSE_TIMEOUT",
    text: "the connection did not end within closeTimeout",
  },
];

let here: HintHost | undefined;

function thisHost(): HintHost {
  here ??= {
    platform: process.platform,
    kernelMajor: Number.parseInt(process.getBuiltinModule("node:os").release(), 10) || 0,
  };
  return here;
}

/** What to do about an error, or undefined where there is not one thing to do. */
export function hintFor(
  code: string,
  syscall: string,
  context: ErrorContext,
  host: HintHost = thisHost(),
): string | undefined {
  for (const row of HINTS) {
    if (row.code !== code) continue;
    if (row.syscall !== undefined && !row.syscall.includes(syscall)) continue;
    if (row.platform !== undefined && row.platform !== host.platform) continue;
    if (row.when !== undefined && !row.when(context, host)) continue;
    return row.text;
  }
  return undefined;
}
