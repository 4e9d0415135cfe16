#!/usr/bin/env bash
# `npm run check`, as CONTRIBUTING.md says it.
source "$(dirname "$0")/lib.sh"
npm run check | tee "$HAWSER_CI_RESULTS/check.log" || true
passed=$(grep -c '^ok  ' "$HAWSER_CI_RESULTS/check.log" || true)
failed=$(grep -c '^FAIL' "$HAWSER_CI_RESULTS/check.log" || true)
# A check that ended before it could say anything has failed too.
[ "$passed" -gt 0 ] || failed=$((failed + 1))
count check "$passed" "$failed" 0
[ "$failed" = 0 ]
