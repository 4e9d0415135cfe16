#!/usr/bin/env bash
# Everything at random for a minute, from a seed that is printed (npm run soak).
source "$(dirname "$0")/lib.sh"
log=$HAWSER_CI_RESULTS/soak.log
status=0
node --expose-gc --import tsx scripts/soak.ts --minutes "${1:-1}" 2>&1 | tee "$log" || status=$?
passed=$(grep -c '^found nothing in' "$log" || true)
count soak "$passed" $((1 - passed)) 0
exit "$status"
