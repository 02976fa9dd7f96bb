#!/usr/bin/env bash
# Installs what building, trying and testing Dictator needs, where it is missing.
#
#   scripts/setup.sh          everything: Node.js, Redis, ZooKeeper, a few tools   (make deps)
#   scripts/setup.sh node     Node.js alone, and never as root                     (make)
#   scripts/setup.sh check    says what is missing, changes nothing; exit code 1 if anything is
#   scripts/setup.sh node-into FOLDER   fetches Node.js into a new folder, whatever there is, and prints its path
#
# On Debian 12 and later it installs packages, as root or through sudo. It starts, stops and enables no service and
# touches no server that runs: Redis comes from `redis-tools`, which has the server's program and no service, and
# ZooKeeper from `libzookeeper-java`, which is all of it but the scripts and the service. Where apt-get is missing it
# says what to install. When nothing is missing it needs no network, no root and less than a second.
#
# What the system has no suitable version of goes into the project's own folder .tools, whose bin the Makefile puts
# first on the PATH.

set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
TOOLS=$ROOT/.tools
BIN=$TOOLS/bin

# The PATH without our own folder, under whatever name it is there: a link of ours is no program of the system.
path_of_system() {
  local folder folders=() rest=()
  IFS=: read -ra folders <<<"$PATH"
  for folder in "${folders[@]}"; do
    if [ "$folder" != "$BIN" ] && ! [ "$folder" -ef "$BIN" ]; then rest+=("$folder"); fi
  done
  (IFS=: && printf '%s' "${rest[*]}")
}
SYSTEM_PATH=$(path_of_system)
PATH=$BIN:$SYSTEM_PATH

# The version that is fetched where the system's Node.js is too old or absent, and the oldest that will do.
NODE_VERSION=24.9.0
NODE_MIN=20.19
NODE_MAJOR_MIN=20
NODE_MINOR_MIN=19

APT_ATTEMPTS=3
APT_PAUSE_S=${APT_PAUSE_S:-5}
APT_OPTIONS=(-y -q -o DPkg::Lock::Timeout=120 -o Acquire::Retries=3 -o Dpkg::Use-Pty=0
  -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold)

# The table: what is needed | the function that finds it | Debian packages | what to install elsewhere
NEEDS=(
  "node|have_node|nodejs npm|Node.js $NODE_MIN or newer, as \`node\` on the PATH (https://nodejs.org)"
  "npm|have_npm|npm|npm, as \`npm\` on the PATH (comes with Node.js)"
  "redis-server|have_redis_server|redis-tools|Redis or Valkey, as \`redis-server\` on the PATH"
  "redis-sentinel|have_redis_sentinel|redis-tools|\`redis-sentinel\` on the PATH (a link to redis-server is enough)"
  "java|have_java|default-jre-headless|a Java runtime, as \`java\` on the PATH"
  "zookeeper|have_zookeeper|libzookeeper-java|Apache ZooKeeper 3.8 or newer, its jars in the folder ZOOKEEPER_JARS"
  "ip|have_ip|iproute2|iproute2 (\`ip\`)"
  "tc|have_tc|iproute2|iproute2 (\`tc\`)"
  "nft|have_nft|nftables|nftables (\`nft\`)"
  "unshare|have_unshare|util-linux|util-linux (\`unshare\`)"
  "ps|have_ps|procps|procps (\`ps\`)"
  "openssl|have_openssl|openssl|OpenSSL (\`openssl\`)"
  "haproxy|have_haproxy||HAProxy (\`haproxy\`)"
  "redis-py|have_redis_py|python3-redis|redis-py for python3 (\`import redis\`)"
  "predis|have_predis||PHP, as \`php\` on the PATH, and predis, as /usr/share/php/Predis"
)

say() { printf 'setup: %s\n' "$*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }

node_suits() { # <program>
  "$1" -e "const [a, b] = process.versions.node.split('.').map(Number);
    process.exit(a > $NODE_MAJOR_MIN || (a === $NODE_MAJOR_MIN && b >= $NODE_MINOR_MIN) ? 0 : 1)" >/dev/null 2>&1
}

# hash: bash remembers where it found a program before ours was there.
have_node() { hash -r && have node && node_suits node; }
have_npm() { have npm; }
have_java() { have java; }
have_ip() { have ip || [ -x /usr/sbin/ip ] || [ -x /sbin/ip ]; }
have_tc() { have tc || [ -x /usr/sbin/tc ] || [ -x /sbin/tc ]; }
have_nft() { have nft || [ -x /usr/sbin/nft ] || [ -x /sbin/nft ]; }
have_unshare() { have unshare; }
have_ps() { have ps; }
have_openssl() { have openssl; }
have_haproxy() { have haproxy || [ -x /usr/sbin/haproxy ]; }
# The python3 that comes first on the PATH may be another than the one that Debian's package is for.
have_redis_py() { python3 -c 'import redis' >/dev/null 2>&1 || /usr/bin/python3 -c 'import redis' >/dev/null 2>&1; }
# Without the configuration of PHP, which may ask for modules that are not there.
have_predis() {
  local folders=$TOOLS/predis/usr/share/php:/usr/share/php
  php -n -d include_path="$folders" -r 'require "Predis/autoload.php";' >/dev/null 2>&1
}
have_zookeeper() { [ -e "${ZOOKEEPER_JARS:-/usr/share/java}/zookeeper.jar" ]; }
have_redis_server() { [ -x "${REDIS_SERVER:-}" ] || is_redis_server redis-server; }
have_redis_sentinel() { have redis-sentinel && is_redis_server redis-sentinel; }

# redis-check-rdb of the same package answers `redis-check-rdb 7.0.15`, a server `Redis server v=7.0.15 ...`.
is_redis_server() { # <program>
  [[ $("$1" --version 2>/dev/null) =~ (Redis|Valkey|KeyDB)\ server ]]
}

# Debian's redis-check-rdb is the server's own program, which looks at the name it was started under.
link_redis() {
  local multi_call name
  multi_call=$(command -v redis-check-rdb) || return 0
  for name in redis-server redis-sentinel; do
    if ! have "$name"; then
      mkdir -p "$BIN"
      ln -sfn "$(readlink -f "$multi_call")" "$BIN/$name"
      is_redis_server "$name" || rm -f "$BIN/$name"
    fi
  done
}

# A link of ours must not hide a server or a Node.js that the system has got since.
drop_stale_links() {
  local name
  for name in redis-server redis-sentinel; do
    if [ -L "$BIN/$name" ] && { [ ! -e "$BIN/$name" ] || PATH=$SYSTEM_PATH have "$name"; }; then
      rm -f "$BIN/$name"
    fi
  done
  if [ -L "$BIN/node" ] && { [ ! -x "$BIN/node" ] || PATH=$SYSTEM_PATH node_suits node; }; then
    rm -f "$BIN/node"
  fi
}

# npm's package `node` brings the program itself; npm is run by whatever Node.js the system has. Prints where it is.
put_node() { # <folder, made anew>
  local found
  rm -rf "$1"
  mkdir -p "$1"
  printf '{ "private": true }\n' >"$1/package.json"
  (cd "$1" && PATH=$SYSTEM_PATH &&
    npm install --no-save --no-package-lock --no-audit --no-fund --loglevel=error "node@$NODE_VERSION") >&2
  for found in "$1"/node_modules/node/bin/node "$1"/node_modules/node-*/bin/node; do
    if [ -x "$found" ] && node_suits "$found"; then
      printf '%s\n' "$found"
      return 0
    fi
  done
  say "npm's package node@$NODE_VERSION has no program that runs here"
  return 1
}

fetch_node() {
  local program
  say "Node.js $NODE_MIN or newer is not on the PATH: fetching $NODE_VERSION into .tools/node"
  program=$(put_node "$TOOLS/node") || return
  mkdir -p "$BIN"
  ln -sfn "$program" "$BIN/node"
}

# --- packages -------------------------------------------------------------------------------------------------------

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif [ -t 0 ]; then
    sudo "$@"
  else
    sudo -n "$@"
  fi
}

can_be_root() { [ "$(id -u)" = 0 ] || have sudo; }

# NEEDRESTART_SUSPEND: otherwise needrestart might restart services that use a library just replaced.
apt_get() {
  local attempt
  for ((attempt = 1; attempt <= APT_ATTEMPTS; attempt++)); do
    if as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get "${APT_OPTIONS[@]}" "$@" >&2; then
      return 0
    fi
    say "apt-get $1 failed (attempt $attempt of $APT_ATTEMPTS)"
    if ((attempt < APT_ATTEMPTS)); then sleep "$APT_PAUSE_S"; fi
  done
  return 1
}

install_packages() {
  say "installing $*"
  # With recommended packages left out: Debian's npm alone recommends several hundred megabytes.
  apt_get install --no-install-recommends "$@"
}

# Everything that makes one of these packages' services start at boot.
enable_links() {
  find /etc/systemd/system /etc/rc[0-9S].d \( -path '*.wants/*' -o -path '*.requires/*' -o -name 'S[0-9]*' \
    -o -type l -path '/etc/systemd/system/*' \) \( -name '*redis*' -o -name '*zookeeper*' \) 2>/dev/null | sort
}

# The second way to a Redis server, where redis-tools has none in it: the packages with services, held back from
# starting by policy-rc.d while they are installed, and taken out of the boot sequence afterwards.
install_redis_with_services() {
  local policy=${POLICY_RC_D:-/usr/sbin/policy-rc.d} kept='' failed=0 before after link
  kept=$(mktemp -d) || return
  before=$(enable_links)
  if [ -e "$policy" ] || [ -L "$policy" ]; then as_root cp -a "$policy" "$kept/policy-rc.d" || return; fi
  # shellcheck disable=SC2064 # the names as they are now
  trap "restore_policy '$policy' '$kept'" EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  as_root rm -f "$policy"
  # shellcheck disable=SC2016 # for the shell that as_root starts
  as_root sh -c 'printf "#!/bin/sh\nexit 101\n" >"$1" && chmod 755 "$1"' sh "$policy" || return
  install_packages redis-server redis-sentinel || failed=1
  restore_policy "$policy" "$kept"
  trap - EXIT INT TERM HUP
  after=$(enable_links)
  comm -13 <(printf '%s\n' "$before") <(printf '%s\n' "$after") | while read -r link; do
    [ -z "$link" ] || as_root rm -f "$link"
  done
  return "$failed"
}

restore_policy() { # <path> <folder of the one that was there>
  as_root rm -f "$1"
  if [ -e "$2/policy-rc.d" ] || [ -L "$2/policy-rc.d" ]; then as_root cp -a "$2/policy-rc.d" "$1"; fi
  as_root rm -rf "$2"
}

# HAProxy's package brings a service that Debian would enable: what it depends on is installed, and of the package
# itself the program alone is taken out.
put_haproxy() {
  local folder=$TOOLS/haproxy deb
  say 'taking the program out of the package haproxy into .tools/haproxy'
  rm -rf "$folder"
  mkdir -p "$folder" "$BIN"
  (cd "$folder" && apt-get -q download haproxy) >&2 || return
  deb=$(find "$folder" -name '*.deb')
  apt_get satisfy --no-install-recommends "$(dpkg-deb --field "$deb" Depends)" || return
  dpkg-deb --extract "$deb" "$folder" || return
  rm -f "$deb"
  ln -sfn "$folder/usr/sbin/haproxy" "$BIN/haproxy"
  "$BIN/haproxy" -v >&2
}

# PHP's modules bring a timer that Debian would enable, and predis needs none of them: of PHP the program alone is taken
# out of its package, and installed what else it depends on.
put_predis() {
  local folder=$TOOLS/predis cli deb depends program
  say 'taking the program out of the package php-cli into .tools/predis, and predis'
  rm -rf "$folder"
  mkdir -p "$folder" "$BIN"
  cli=$(cd "$folder" && apt-get -q download php-cli >&2 && dpkg-deb --field php-cli_*.deb Depends) || return
  rm -f "$folder"/php-cli_*.deb
  (cd "$folder" && apt-get -q download "$cli" php-predis) >&2 || return
  for deb in "$folder"/*.deb; do dpkg-deb --extract "$deb" "$folder" || return; done
  depends=$(dpkg-deb --field "$folder/$cli"_*.deb Depends | tr ',' '\n' | sed '/^ *php/d' | paste -sd,) || return
  rm -f "$folder"/*.deb
  apt_get satisfy --no-install-recommends "$depends" || return
  program=$(find "$folder/usr/bin" -name 'php*' -type f -print -quit)
  ln -sfn "$program" "$BIN/php"
  "$BIN/php" -n -v >&2
}

# --- what is asked for ----------------------------------------------------------------------------------------------

# Prints the rows of NEEDS that are not met.
missing() {
  local row find
  for row in "${NEEDS[@]}"; do
    IFS='|' read -r _ find _ _ <<<"$row"
    if ! "$find"; then printf '%s\n' "$row"; fi
  done
}

explain() { # <rows>
  local row need elsewhere
  say 'missing, please install:'
  while IFS='|' read -r need _ _ elsewhere; do say "  $elsewhere"; done <<<"$1"
  row=$(packages_of "$1")
  if have apt-get && ! can_be_root; then
    say "on this machine, as root: apt-get install --no-install-recommends $row"
  fi
}

packages_of() { # <rows>
  local packages
  while IFS='|' read -r _ _ packages _; do tr ' ' '\n' <<<"$packages"; done <<<"$1" | sort -u | paste -sd' '
}

setup_node() {
  drop_stale_links
  if have_node && have_npm; then return 0; fi
  if have_npm && fetch_node; then return 0; fi
  say "Node.js $NODE_MIN or newer and npm are needed and not on the PATH."
  say 'On Debian 12 or later run `make deps` (as root, or with sudo); elsewhere see https://nodejs.org'
  return 1
}

# Each step ends the rest where it fails: a function called before `||` is not ended by `set -e`.
install_missing() { # <rows>
  local packages
  read -ra packages <<<"$(packages_of "$1")"
  # A source that cannot be reached does not matter if the packages come from another.
  apt_get update || true
  if [ ${#packages[@]} != 0 ]; then install_packages "${packages[@]}" || return; fi
  link_redis
  if ! have_redis_server || ! have_redis_sentinel; then install_redis_with_services || return; fi
  if ! have_node; then fetch_node || return; fi
  if ! have_haproxy; then put_haproxy || return; fi
  if ! have_predis; then put_predis || return; fi
  verify_zookeeper
}

setup_all() {
  local rows
  drop_stale_links
  link_redis
  rows=$(missing)
  if [ -z "$rows" ]; then return 0; fi

  if have apt-get && can_be_root; then
    # Node.js that npm can fetch needs no package.
    if have_npm && ! have_node; then fetch_node && rows=$(missing); fi
    if [ -n "$rows" ]; then install_missing "$rows" || say 'could not install everything'; fi
    rows=$(missing)
  fi

  if [ -n "$rows" ]; then
    explain "$rows"
    return 1
  fi
  hash -r
  say "ready: node $(node --version), $(redis-server --version | cut -d' ' -f1-3)"
}

# Java without recommended packages may lack what a program needs: see it run once, here, rather than in a test.
verify_zookeeper() {
  local jars=${ZOOKEEPER_JARS:-/usr/share/java}
  if ! java -cp "$jars/zookeeper.jar:$jars/slf4j-simple.jar" org.apache.zookeeper.version.VersionInfoMain >&2; then
    say 'ZooKeeper does not run on this Java'
    return 1
  fi
}

case ${1:-all} in
  all) setup_all ;;
  node) setup_node ;;
  node-into) put_node "${2:?a folder}" ;;
  check)
    rows=$(missing)
    if [ -n "$rows" ]; then
      explain "$rows"
      exit 1
    fi
    ;;
  *)
    say "unknown: $1 (all, node, node-into or check)"
    exit 64
    ;;
esac
