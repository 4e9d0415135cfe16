// node:tls, loaded when it is first needed: most programs that open a socket use no TLS.
// Not here: what is done with it.

type NodeTls = typeof import("node:tls");

let loaded: NodeTls | null = null;

/** The module. It cannot be missing: Node without OpenSSL is not supported. */
export function nodeTls(): NodeTls {
  loaded ??= process.getBuiltinModule("node:tls");
  return loaded;
}
