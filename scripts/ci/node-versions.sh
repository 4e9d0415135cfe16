#!/usr/bin/env bash
# The tests that use the addon, and with it Node's streams, HTTP, TLS and zlib, with the one binary
# on the other versions of Node. What does not depend on the version is left out: pure code, the
# tools of the project, the kernel's own time-outs, what browsers make of the page, the conformance
# cases and attacks, and bounds of time and memory, which are those of one version.
source "$(dirname "$0")/lib.sh"
if [ $# = 0 ]; then
  addon_tests '^test/(bench|browsers|cli|conformance|docs|faults|packaging|scripts|structure)/' \
    '^test/guards/(collections|instructions|load|package-size)' '^test/websocket/abuse/' \
    '^test/adapters/vanishing' '^test/net/liveness-connection'
  set -- "${tests[@]}" test/websocket/protocol/{compression,deflate,inflate-stream}.test.ts
fi
nodes=$(script scripts/cache.ts nodes)
failed=0
for version in 22 24 26; do
  node=$nodes/n$version/bin
  echo "Node $("$node/node" --version)"
  (PATH=$node:$PATH vitest "node-$version" "$@") || failed=1
done
exit "$failed"
