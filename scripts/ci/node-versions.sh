#!/usr/bin/env bash
# The tests that use the addon, and with it Node's streams, HTTP, TLS and zlib, with the one binary
# on the other versions of Node. What does not depend on the version is left out: pure code, the
# tools of the project and its examples, the kernel's own time-outs, what browsers make of the page,
# the conformance cases and attacks, and bounds of time and memory, which are those of one version.
# Of Node 22, between two that run all of it, what stands on the binding and on Node's own modules.
source "$(dirname "$0")/lib.sh"
between='^$'
if [ $# = 0 ]; then
  between='^test/(net|peers|soak)/'
  addon_tests '^test/(bench|browsers|cli|conformance|docs|examples|faults)/' \
    '^test/(packaging|scripts|structure)/' \
    '^test/guards/(collections|instructions|load|package-size)' '^test/websocket/abuse/' \
    '^test/adapters/vanishing' '^test/net/liveness-connection'
  set -- "${tests[@]}" test/websocket/protocol/{compression,deflate,inflate-stream}.test.ts
fi
nodes=$(script scripts/cache.ts nodes)
failed=0
for version in 22 24 26; do
  node=$nodes/n$version/bin
  echo "Node $("$node/node" --version)"
  files=("$@")
  if [ "$version" = 22 ]; then mapfile -t files < <(printf '%s\n' "$@" | grep -vE "$between"); fi
  (PATH=$node:$PATH vitest "node-$version" "${files[@]}") || failed=1
done
exit "$failed"
