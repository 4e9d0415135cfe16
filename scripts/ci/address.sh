#!/usr/bin/env bash
# The suite with the addon under AddressSanitizer and UndefinedBehaviorSanitizer, and leaks looked for
# at the end of every process that ran tests. Of the faults and the attacks those are left out that
# hold the library to times of the kernel or of another process, which no factor stretches; two
# thousand connections under load, full windows, and hostile peers of every kind are in. Without the
# browsers: their time is most of those tests', and what they make the addon do, other peers do here
# as well.
source "$(dirname "$0")/lib.sh"
if [ $# = 0 ]; then
  set -- --exclude 'test/browsers/**' \
    --exclude 'test/faults/{bare-options,connecting,dead-peers,endings,listeners,paths*}.test.ts' \
    --exclude 'test/websocket/abuse/{frames,handshake}.test.ts'
fi
build_addon address -DHAWSER_SANITIZE=address,undefined
reports=$HAWSER_CI_RESULTS/address-reports
rm -rf "$reports"
mkdir -p "$reports"

# Leaks do not change an exit code: V8 has some when a process ends by process.exit.
export ASAN_OPTIONS=detect_leaks=1:exitcode=0:abort_on_error=1:log_path=$reports/report
export UBSAN_OPTIONS=print_stacktrace=1:log_path=$reports/report
export HAWSER_TEST_PRELOAD HAWSER_TEST_SLOWNESS=4
HAWSER_TEST_PRELOAD=$(c++ -print-file-name=libasan.so)
export NODE_OPTIONS="--require $root/test/sanitizers/leaks.cjs"

status=0
vitest address "$@" || status=$?
unset NODE_OPTIONS
refuse_reports "$reports" || status=1
exit "$status"
