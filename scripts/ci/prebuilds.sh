#!/usr/bin/env bash
# Every prebuild is made and looked at; the one for Linux on arm64 is run under an emulator.
source "$(dirname "$0")/lib.sh"
npm run prebuild -- all
npm run build -- dist
script scripts/ci/prebuilds.ts
