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

step() { # <name> <command...>
  local name=$1
  shift
  echo "--- $name"
  if "$@"; then
    passed=$((passed + 1))
  else
    echo "--- $name: FAILED" >&2
    failed=$((failed + 1))
    return 1
  fi
}

finish() {
  echo "$passed passed, $failed failed"
  [ "$failed" = 0 ]
  exit
}

# What to look at when the tests take too long.
slowest() {
  if [ ! -s "$RESULTS" ]; then return; fi
  node -e 'const { testResults } = JSON.parse(fs.readFileSync(process.argv[1], "utf8"));
    const files = testResults.map((f) => [(f.endTime - f.startTime) / 1000, path.relative(".", f.name ?? "")]);
    files.sort((a, b) => b[0] - a[0]);
    for (const [s, name] of files.slice(0, 10)) console.log(`--- ${s.toFixed(1).padStart(6)} s  ${name}`);' "$RESULTS"
}

# Adds vitest's own counts. Its exit code has the last word: a file that does not load, or an error outside of any
# test, fails the run though every test that ran has passed.
run_vitest() {
  local status counts ok=0 bad=0 skipped=0
  echo '--- tests'
  rm -f "$RESULTS"
  node_modules/.bin/vitest run --reporter=default --reporter=json --outputFile.json="$RESULTS" "$@"
  status=$?
  counts=$(node -p 'const r = JSON.parse(fs.readFileSync(process.argv[1], "utf8"));
    const emptyFailed = r.testResults.filter((f) => f.status === "failed" && f.assertionResults.length === 0).length;
    [r.numPassedTests, r.numFailedTests + emptyFailed, r.numPendingTests + r.numTodoTests].join(" ")' "$RESULTS")
  read -r ok bad skipped <<<"$counts"
  passed=$((passed + ${ok:-0}))
  failed=$((failed + ${bad:-0}))
  if [ "$status" != 0 ] && [ "${bad:-0}" = 0 ]; then failed=$((failed + 1)); fi
  slowest
  if [ "${skipped:-0}" != 0 ]; then echo "--- $skipped tests were left out" >&2; fi
}

# The demo is part of the tests as soon as there is one.
run_demo() {
  if [ ! -e demo/main.ts ]; then return; fi
  if [ ! -e dist/demo.cjs ]; then
    echo '--- demo: FAILED, it was not built' >&2
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
