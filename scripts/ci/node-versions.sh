#!/usr/bin/env bash
# The suite, and with it the one binary, on the other versions of Node.
source "$(dirname "$0")/lib.sh"
nodes=$(script scripts/cache.ts nodes)
failed=0
for version in 22 24 26; do
  node=$nodes/n$version/bin
  echo "Node $("$node/node" --version)"
  (PATH=$node:$PATH vitest "node-$version" "$@") || failed=1
done
exit "$failed"
