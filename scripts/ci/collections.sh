#!/usr/bin/env bash
# The tests whose objects have a life in native code, with garbage collections everywhere: what is
# kept alive by luck only is found here. Pure code has nothing to lose that way, and takes long; nor
# have programs that are only started, browsers, the conformance cases and attacks, which do with
# sockets what the tests of WebSockets do here as well, and tests that wait for the kernel.
source "$(dirname "$0")/lib.sh"
export HAWSER_TEST_NODE_FLAGS="--expose-gc --stress-compaction --gc-interval=2000"
export HAWSER_TEST_SLOWNESS=4
if [ $# = 0 ]; then
  addon_tests '^test/(bench|browsers|cli|conformance|docs|errors|examples|faults|guards)/' \
    '^test/(packaging|peers|scripts|structure)/' '^test/websocket/abuse/' \
    '^test/adapters/vanishing' '^test/net/liveness-connection'
  set -- "${tests[@]}"
fi
vitest collections "$@"
