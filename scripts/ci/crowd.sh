#!/usr/bin/env bash
# Some scenarios of the faults with two thousand connections beside each connection under test, in
# its own process: back-pressure, and listeners that are full, killed or leave. The others can be
# run the same way (test/faults/README.md); they take four minutes more and are for whoever changes
# the reactor.
source "$(dirname "$0")/lib.sh"
if [ $# = 0 ]; then set -- test/faults/{flow,listeners}.test.ts; fi
HAWSER_TEST_CROWD=2000 vitest crowd "$@"
