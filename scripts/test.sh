#!/usr/bin/env bash
# `make test`: sets up, builds, checks, runs every test and the scripted demo, and counts.
#
#   scripts/test.sh                everything
#   scripts/test.sh src/core ...   sets up and builds, then the vitest files whose path contains one of these words
#
# Each step other than vitest counts as one test. The last line on stdout is always `N passed, N failed`, also when
# something fails to compile; the exit code is 1 when anything failed. A step that fails does not hide the later ones,
# except where they cannot run without it.

set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

# As the Makefile does, for who starts this without it.
export PATH=$PWD/.tools/bin:$PATH

DEMO_HUNG_AFTER=300s
# Seeds of the simulator beside its regressions; the same ones each time, so that a red run speaks of the change.
SIMULATED_SEEDS=1000
RESULTS=.cache/vitest.json

passed=0
failed=0
# One line for each test that failed, for the end of the output, where people look first.
failures=()

step() { # <name> <command...>
  local name=$1
  shift
  echo "--- $name"
  if "$@"; then
    passed=$((passed + 1))
  else
    echo "--- $name: FAILED" >&2
    failures+=("failed: $name")
    failed=$((failed + 1))
    return 1
  fi
}

finish() {
  if [ ${#failures[@]} != 0 ]; then printf -- '--- %s\n' "${failures[@]}"; fi
  echo "$passed passed, $failed failed"
  [ "$failed" = 0 ]
  exit
}

# What the last run of vitest has left behind, in words.
report() { # <question>
  if [ -s "$RESULTS" ]; then node scripts/vitest-report.mjs "$1" "$RESULTS"; fi
}

vitest() {
  rm -f "$RESULTS"
  node_modules/.bin/vitest run --reporter=default --reporter=json --outputFile.json="$RESULTS" "$@"
}

# Adds vitest's own counts. Its exit code has the last word: a file that does not load, or an error outside of any
# test, fails the run though every test that ran has passed.
run_vitest() {
  local status ok=0 bad=0 skipped=0 wrong starved
  echo '--- tests'
  vitest "$@"
  status=$?
  read -r ok bad skipped <<<"$(report counts)"
  report slowest | sed 's/^/--- /'
  if [ "${skipped:-0}" != 0 ]; then echo "--- $skipped tests were left out" >&2; fi
  passed=$((passed + ${ok:-0}))
  mapfile -t wrong < <(report failed)
  mapfile -t starved < <(report starved)
  if [ ${#starved[@]} != 0 ] && passes_alone "${starved[@]}"; then
    passed=$((passed + bad))
    failures+=("${wrong[@]/#/passed alone, after it had failed beside others: }")
    return
  fi
  failures+=("${wrong[@]/#/failed: }")
  failed=$((failed + ${bad:-0}))
  if [ "$status" != 0 ] && [ "${bad:-0}" = 0 ]; then failed=$((failed + 1)); fi
}

# Files that failed beside others, once more with the machine to themselves.
passes_alone() { # <file...>
  echo "--- once more, alone: $*"
  vitest --no-file-parallelism "$@"
}

# The demo is part of the tests as soon as there is one.
run_demo() {
  if [ ! -e demo/main.ts ]; then return; fi
  if [ ! -e dist/demo.cjs ]; then
    echo '--- demo: FAILED, it was not built' >&2
    failures+=('failed: demo')
    failed=$((failed + 1))
    return
  fi
  step 'scripted demo' timeout --kill-after=10s "$DEMO_HUNG_AFTER" node dist/demo.cjs --script failover
}

# Every number of seeds counts as one test: what it proves does not grow with each of them.
run_simulator() {
  step simulator make simulate SEEDS="$SIMULATED_SEEDS" FROM=1 JOBS="$(nproc)"
}

step 'what is needed' scripts/setup.sh || finish
step packages make node_modules/.package-lock.json || finish
step build make build

if [ $# -gt 0 ]; then
  run_vitest "$@"
  finish
fi

step types node_modules/.bin/tsc -p tsconfig.json
step 'types of the core' node_modules/.bin/tsc -p src/core/tsconfig.json
step lint node_modules/.bin/eslint .
step 'house rules' node scripts/tidy.mjs
run_vitest
run_simulator
run_demo
finish
