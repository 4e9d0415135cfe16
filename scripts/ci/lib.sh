# What the sections of .ci/run share. Sourced by each; each can be run alone, from anywhere.
# A section leaves its counts in $HAWSER_CI_RESULTS: NAME.json as vitest writes it, or NAME.counts
# with "passed failed skipped".
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
root=$PWD
export HAWSER_CI_RESULTS=${HAWSER_CI_RESULTS:-$root/build/ci}
mkdir -p "$HAWSER_CI_RESULTS"

# as_root COMMAND...: as root, where we are not root already and may become it.
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# count NAME PASSED FAILED SKIPPED
count() {
  echo "$2 $3 $4" > "$HAWSER_CI_RESULTS/$1.counts"
}

# script FILE [ARG...]: one of the project's own TypeScript programs.
script() {
  node --import tsx "$@"
}

# vitest NAME [ARG...]: a run of the tests whose counts are NAME's.
vitest() {
  local name=$1
  shift
  HAWSER_TEST_REPORT=$HAWSER_CI_RESULTS/$name.json node node_modules/vitest/vitest.mjs run "$@"
}

# addon_tests [PATTERN...]: sets `tests` to the test files that the addon has a part in, less those
# that match a pattern (a regular expression), and says how many were left out.
addon_tests() {
  local patterns=() list
  for pattern in "$@"; do patterns+=(--without "$pattern"); done
  list=$(script scripts/ci/addon-tests.ts ${patterns[@]+"${patterns[@]}"})
  mapfile -t tests <<< "$list"
  [ -n "${tests[0]}" ]
}

# build_addon NAME [-DOPTION=VALUE...]: another build of the addon; sets HAWSER_BINARY to it.
build_addon() {
  local folder=$root/build/$1
  shift
  local definitions=()
  for definition in "$@"; do definitions+=("--CD${definition#-D}"); done
  node_modules/.bin/cmake-js build --log-level error --parallel 2 --out "$folder" \
    "${definitions[@]}"
  export HAWSER_BINARY=$folder/Release/hawser.node
}

# refuse_reports FOLDER: fails when a sanitizer has written a report there that is about us. Of the
# leaks only those with a frame of the addon are: V8 and other programs leave some of their own.
refuse_reports() {
  script scripts/ci/sanitizer-reports.ts "$1"
}
