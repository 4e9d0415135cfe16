#!/usr/bin/env bash
# The native tests without Node, on both pollers: as released, and with AddressSanitizer and
# UndefinedBehaviorSanitizer. The core starts no threads; those are tested from Node.
source "$(dirname "$0")/lib.sh"

native() {
  local name=$1 sanitize=$2 status=0
  local folder=$root/build/$name
  cmake -S . -B "$folder" -DHAWSER_NATIVE_TESTS=ON -DHAWSER_SANITIZE="$sanitize" > /dev/null
  cmake --build "$folder" --parallel 2 > "$folder/build.log" || { cat "$folder/build.log"; return 1; }
  ctest --test-dir "$folder" --output-on-failure > "$folder/test.log" 2>&1 || status=$?
  # ctest's last words: "97% tests passed, 3 tests failed out of 120".
  local failed total
  read -r failed total < <(
    sed -nE 's/.* ([0-9]+) tests failed out of ([0-9]+).*/\1 \2/p' "$folder/test.log"
  ) || { cat "$folder/test.log"; return 1; }
  local skipped
  skipped=$(grep -cE '\*\*\*(Skipped|Not Run)' "$folder/test.log" || true)
  count "$name" $((total - failed - skipped)) "$failed" "$skipped"
  if [ "$status" != 0 ]; then cat "$folder/test.log"; else tail -n 3 "$folder/test.log"; fi
  return "$status"
}

failed=0
native native "" || failed=1
native native-address address,undefined || failed=1
exit "$failed"
