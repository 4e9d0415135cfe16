#!/usr/bin/env bash
# The fuzzers for a minute each, with the addon under AddressSanitizer and
# UndefinedBehaviorSanitizer.
source "$(dirname "$0")/lib.sh"
build_addon address -DHAWSER_SANITIZE=address,undefined
export ASAN_OPTIONS=detect_leaks=0:abort_on_error=1:allocator_may_return_null=1
export UBSAN_OPTIONS=print_stacktrace=1
preload=$(c++ -print-file-name=libasan.so)
log=$HAWSER_CI_RESULTS/fuzz.log
LD_PRELOAD=$preload node --import tsx scripts/fuzz.ts --seconds "${1:-60}" 2>&1 | tee "$log" || true
passed=$(grep -c ': found nothing$' "$log" || true)
failed=$(grep -c ': FOUND something' "$log" || true)
[ "$passed" -gt 0 ] || failed=$((failed + 1))
count fuzz "$passed" "$failed" 0
[ "$failed" = 0 ]
