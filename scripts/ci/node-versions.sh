#!/usr/bin/env bash
# The suite, and with it the one binary, on the other versions of Node. What does not depend on the
# version is left out: the tools of the project, the kernel's own time-outs under faults, what
# browsers make of the page, and attacks, whose bounds are of memory and time.
source "$(dirname "$0")/lib.sh"
if [ $# = 0 ]; then
  set -- --exclude 'test/{bench,browsers,docs,faults,packaging,scripts,structure}/**' \
    --exclude 'test/websocket/abuse/**'
fi
nodes=$(script scripts/cache.ts nodes)
failed=0
for version in 22 24 26; do
  node=$nodes/n$version/bin
  echo "Node $("$node/node" --version)"
  (PATH=$node:$PATH vitest "node-$version" "$@") || failed=1
done
exit "$failed"
