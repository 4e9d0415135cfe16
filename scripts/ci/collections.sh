#!/usr/bin/env bash
# The tests that use the addon, with garbage collections everywhere: what is kept alive by luck only
# is found here. Pure code has nothing to lose that way, and takes long; nor have browsers, and the
# conformance cases and attacks, which do with sockets what the tests of WebSockets do here as well.
source "$(dirname "$0")/lib.sh"
export HAWSER_TEST_NODE_FLAGS="--expose-gc --stress-compaction --gc-interval=2000"
export HAWSER_TEST_SLOWNESS=4
if [ $# = 0 ]; then
  set -- --exclude 'test/{bench,browsers,conformance,core,docs,errors,faults,guards}/**' \
    --exclude 'test/{packaging,scripts,structure}/**' \
    --exclude 'test/websocket/{abuse,protocol}/**'
fi
vitest collections "$@"
