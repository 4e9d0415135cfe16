#!/usr/bin/env bash
# The suite with garbage collections everywhere: what is kept alive by luck only is found here.
source "$(dirname "$0")/lib.sh"
export HAWSER_TEST_NODE_FLAGS="--expose-gc --stress-compaction --gc-interval=2000"
export HAWSER_TEST_SLOWNESS=4
vitest collections "$@"
