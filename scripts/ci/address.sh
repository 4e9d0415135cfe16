#!/usr/bin/env bash
# The tests that use the addon, with it under AddressSanitizer and UndefinedBehaviorSanitizer, and
# leaks looked for at the end of every process that ran tests. Left out are the command, the
# bench, the examples and the browsers: their time is that of starting programs, and what they
# make the addon do, other tests do here as well. And what holds the library to times of the
# kernel or of another process, which no factor stretches. Two thousand connections under loss,
# full windows, the conformance cases, and hostile peers of every kind are in.
source "$(dirname "$0")/lib.sh"
if [ $# = 0 ]; then
  addon_tests '^test/(bench|browsers|cli|docs|examples|packaging|scripts|structure)/' \
    '^test/guards/(collections|instructions|load|package-size)' '^test/adapters/vanishing' \
    '^test/faults/(bare-options|connecting|dead-peers|endings|listeners|load-p|paths)' \
    '^test/websocket/abuse/(frames|handshake)'
  set -- "${tests[@]}"
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
