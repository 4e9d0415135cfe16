#!/usr/bin/env bash
# The addon compiles and links for macOS on both processors. It cannot be run here.
source "$(dirname "$0")/lib.sh"
script scripts/check-darwin.ts | tee "$HAWSER_CI_RESULTS/darwin.log" || true
passed=$(grep -c 'compiled and linked' "$HAWSER_CI_RESULTS/darwin.log" || true)
count darwin "$passed" $((2 - passed)) 0
[ "$passed" = 2 ]
