#!/usr/bin/env bash
# The tests with worker threads, with the addon under ThreadSanitizer.
source "$(dirname "$0")/lib.sh"
build_addon thread -DHAWSER_SANITIZE=thread
reports=$HAWSER_CI_RESULTS/thread-reports
rm -rf "$reports"
mkdir -p "$reports"

# Node itself is not instrumented, and its calls into libc are not looked at.
export TSAN_OPTIONS=exitcode=66:ignore_noninstrumented_modules=1:log_path=$reports/report
export HAWSER_TEST_PRELOAD HAWSER_TEST_SLOWNESS=4
HAWSER_TEST_PRELOAD=$(c++ -print-file-name=libtsan.so)

status=0
vitest threads worker "$@" || status=$?
refuse_reports "$reports" || status=1
exit "$status"
