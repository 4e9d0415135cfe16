#!/usr/bin/env bash
# `npm test`, as the README says it.
source "$(dirname "$0")/lib.sh"
HAWSER_TEST_REPORT=$HAWSER_CI_RESULTS/tests.json npm test
