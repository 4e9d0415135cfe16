#!/usr/bin/env bash
# The package as users get it: packed with the prebuild made here, published to a registry on
# loopback, installed by npm 11 and 12.
source "$(dirname "$0")/lib.sh"
npm run build
npm run prebuild
script scripts/ci/package.ts
