#!/bin/sh
# Starts Dictator: the bundle in ../lib/dictator, with the Node.js beside it or else the one on the PATH.
# exec keeps the process id: signals and a supervisor meet the program itself, also as PID 1 of a container.
lib=$(dirname "$(readlink -f "$0")")/../lib/dictator
if [ -x "$lib/node" ]; then exec "$lib/node" "$lib/dictator.cjs" "$@"; fi
if command -v node >/dev/null; then exec node "$lib/dictator.cjs" "$@"; fi
echo 'dictator: Node.js 20.19 or newer is needed, as `node` on the PATH' >&2
exit 127
