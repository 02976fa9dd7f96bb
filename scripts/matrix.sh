#!/usr/bin/env bash
# `make test-matrix`: the failover tests and the scripted demo on servers other than this system's.
#
#   scripts/matrix.sh                        all of: redis8 valkey8 zookeeper39 node24
#   scripts/matrix.sh valkey8 node24         some of them
#   REDIS_SERVER=/opt/x scripts/matrix.sh    on that Redis alone, and without any network
#
# Redis 8, Valkey 8 and ZooKeeper 3.9 are Debian 13's packages, Node.js is npm's package `node`. They are fetched once
# into .cache/matrix and only unpacked: nothing is installed, no root is needed, no service is started. A cell replaces
# one thing and leaves the rest as this system has it.
#
# The last line is `matrix: N of M passed`, with what could not be run; the exit code is 1 unless all passed.
# DEBIAN_MIRROR names another source of packages than the system's own.

set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
export PATH=$PWD/.tools/bin:$PATH

CACHE=$PWD/.cache/matrix
CELLS=(redis8 valkey8 zookeeper39 node24)
FETCH_HUNG_AFTER=600s
CELL_HUNG_AFTER=900s
DEMO_HUNG_AFTER=300s

SUITE=trixie
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
# With their libraries, the C library included: programs of Debian 13 do not run on the one of Debian 12.
SERVER_PACKAGES=(redis-tools valkey-tools libc6 libatomic1 libcap2 libgcc-s1 libjemalloc2 liblzf1 libssl3t64
  libstdc++6 libsystemd0 libzstd1 zlib1g)
ZOOKEEPER_PACKAGES=(libzookeeper-java libdropwizard-metrics-java libnetty-java libslf4j-java libsnappy-java)

FAILOVER=(test/integration/failure- test/integration/silence.test.ts)
REDIS_TESTS=("${FAILOVER[@]}" test/integration/redis-link.test.ts)
ZOOKEEPER_TESTS=("${FAILOVER[@]}" test/integration/zookeeper-)
NODE_TESTS=("${FAILOVER[@]}" test/integration/redis-link.test.ts test/integration/zookeeper-client.test.ts
  test/integration/http- test/integration/peers-)

passed=()
failed=()
not_run=()

say() { printf 'matrix: %s\n' "$*" >&2; }

# --- Debian 13's packages -------------------------------------------------------------------------------------------

# Where this system gets its Debian packages from has the next release too.
mirror() {
  local found
  found=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' \
    'Label: Debian' 2>/dev/null | head -n 1)}
  printf '%s\n' "${found:-http://deb.debian.org/debian}"
}

# apt-get with folders of its own: it knows Debian 13 and nothing that is installed here.
apt_of_its_own() { # <apt-get's arguments>
  local own=$CACHE/apt
  timeout --kill-after=10s "$FETCH_HUNG_AFTER" apt-get -q -o Dir::Etc::SourceList=/dev/null \
    -o "Dir::Etc::SourceParts=$own/sources" -o Dir::Etc::Preferences=/dev/null \
    -o Dir::Etc::PreferencesParts=/dev/null -o "Dir::State=$own/state" -o "Dir::State::Status=$own/status" \
    -o "Dir::Cache=$own/cache" -o APT::Sandbox::User=root -o Acquire::Retries=3 "$@" >&2
}

fetch_debian() {
  local own=$CACHE/apt package
  if [ -e "$CACHE/debian/complete" ]; then return 0; fi
  say "fetching $SUITE packages into .cache/matrix"
  rm -rf "$own" "$CACHE/debian"
  mkdir -p "$own/sources" "$own/state/lists/partial" "$own/cache/archives/partial" "$own/packages" "$CACHE/debian"
  : >"$own/status"
  printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\n' "$(mirror)" "$SUITE" >"$own/sources/debian.sources"
  if [ -e "$KEYRING" ]; then printf 'Signed-By: %s\n' "$KEYRING" >>"$own/sources/debian.sources"; fi
  apt_of_its_own update || return
  (cd "$own/packages" && apt_of_its_own download "${SERVER_PACKAGES[@]}" "${ZOOKEEPER_PACKAGES[@]}") || return
  for package in "$own"/packages/*.deb; do dpkg-deb --extract "$package" "$CACHE/debian" || return; done
  rm -rf "$own"
  touch "$CACHE/debian/complete"
}

# A program of Debian 13, started by Debian 13's loader with Debian 13's libraries. The wrapper ends in `exec`, so that
# process id and signals are the server's, and the loader has the server's name, which is what /proc/PID/comm says.
wrap() { # <redis|valkey>: prints the wrapper's path
  local loader libraries wrapper=$CACHE/$1-server
  loader=$(find "$CACHE/debian/usr" -name 'ld-linux*.so.*' -print -quit)
  libraries=$(dirname "$(find "$CACHE/debian/usr/lib" -name 'libc.so.6' -print -quit)")
  mkdir -p "$CACHE/$1"
  cp -fL "$loader" "$CACHE/$1/$1-server" || return
  printf '#!/bin/sh\nexec "%s" --library-path "%s" --argv0 %s "%s" "$@"\n' \
    "$CACHE/$1/$1-server" "$libraries" "$1-server" "$CACHE/debian/usr/bin/$1-check-rdb" >"$wrapper" || return
  chmod 755 "$wrapper" && printf '%s\n' "$wrapper"
}

# --- cells ----------------------------------------------------------------------------------------------------------

# Runs what its cell has prepared, as its environment says, and counts.
run_cell() { # <cell> <what it runs on> <test files...>
  local cell=$1 title=$2
  shift 2
  echo "--- $cell: $title"
  if timeout --kill-after=10s "$CELL_HUNG_AFTER" node node_modules/vitest/vitest.mjs run --project integration "$@" &&
    timeout --kill-after=10s "$DEMO_HUNG_AFTER" node dist/demo.cjs --script failover; then
    echo "--- $cell: passed ($title)"
    passed+=("$cell")
  else
    echo "--- $cell: FAILED ($title)"
    failed+=("$cell")
  fi
}

cannot_run() { # <cell> <why>
  say "$1 could not be run: $2"
  not_run+=("$1")
}

redis_version() { "$1" --version 2>/dev/null | cut -d' ' -f1-3; }

run_redis() { # <cell> <program>
  local REDIS_SERVER=$2 version
  export REDIS_SERVER
  version=$(redis_version "$2")
  if [ -n "$version" ]; then run_cell "$1" "$version" "${REDIS_TESTS[@]}"; else cannot_run "$1" "$2 does not run"; fi
}

packaged_redis() { # <cell> <redis|valkey>
  local program
  if fetch_debian && program=$(wrap "$2"); then run_redis "$1" "$program"; else cannot_run "$1" 'no packages'; fi
}

run_zookeeper() {
  local ZOOKEEPER_JARS=$CACHE/debian/usr/share/java version
  if ! fetch_debian; then cannot_run "$1" 'no packages'; return; fi
  export ZOOKEEPER_JARS
  version=$(basename "$(readlink "$ZOOKEEPER_JARS/zookeeper.jar")" .jar)
  run_cell "$1" "$version" "${ZOOKEEPER_TESTS[@]}"
}

run_node() {
  local program PATH=$PATH
  program=$(find "$CACHE/node" -path '*/bin/node' -type f -perm -u+x -print -quit 2>/dev/null)
  if [ -z "$program" ]; then program=$(timeout "$FETCH_HUNG_AFTER" scripts/setup.sh node-into "$CACHE/node"); fi
  if [ -z "$program" ]; then cannot_run "$1" 'no program'; return; fi
  PATH=$(dirname "$program"):$PATH
  hash -r
  run_cell "$1" "node $(node --version)" "${NODE_TESTS[@]}"
}

run() { # <cell>
  case $1 in
    redis8) packaged_redis "$1" redis ;;
    valkey8) packaged_redis "$1" valkey ;;
    zookeeper39) run_zookeeper "$1" ;;
    node24) run_node "$1" ;;
    given) run_redis "$1" "$REDIS_SERVER" ;;
    *) say "unknown: $1 (${CELLS[*]})"; exit 64 ;;
  esac
}

if [ $# -gt 0 ]; then cells=("$@"); elif [ -n "${REDIS_SERVER:-}" ]; then cells=(given); else cells=("${CELLS[@]}"); fi
for cell in "${cells[@]}"; do run "$cell"; done

summary="matrix: ${#passed[@]} of ${#cells[@]} passed"
if [ ${#failed[@]} -gt 0 ]; then summary+="; failed: ${failed[*]}"; fi
if [ ${#not_run[@]} -gt 0 ]; then summary+="; could not be run: ${not_run[*]}"; fi
echo "$summary"
[ ${#passed[@]} = ${#cells[@]} ]
