#!/bin/sh
# Installs what was built: `make install` with DESTDIR, PREFIX and SYSCONFDIR.
#
#   PREFIX/bin/dictator                       the command
#   PREFIX/lib/dictator/                      the program, its licences; Node.js where the system's does not suit
#   PREFIX/lib/systemd/system/dictator.service, dictator-gateway.service  not enabled
#   PREFIX/share/doc/dictator/                recommended Redis settings, licence
#   SYSCONFDIR/dictator/dictator.conf         only where none exists
#   SYSCONFDIR/dictator/dictator.conf.example always
#
# Needs no npm and no network. Nothing of the checkout is needed afterwards.

set -eu

cd "$(dirname "$0")/.."
root=${DESTDIR:-}
prefix=${PREFIX:-/usr/local}
sysconfdir=${SYSCONFDIR:-/etc}
lib=$root$prefix/lib/dictator
etc=$root$sysconfdir/dictator
units=$root$prefix/lib/systemd/system
doc=$root$prefix/share/doc/dictator

case $prefix$sysconfdir in
  *['|&\ ']*) echo "install: PREFIX and SYSCONFDIR must not contain | & \\ or a space" >&2; exit 64 ;;
esac
if [ ! -f dist/dictator.cjs ]; then
  echo 'install: dist/dictator.cjs is missing: run make first' >&2
  exit 1
fi

install -d "$root$prefix/bin" "$lib" "$etc" "$units" "$doc"

# Renamed into place: an agent that starts meanwhile sees the old program or the new one, never half of one.
put() { # <mode> <from> <to>
  install -m "$1" "$2" "$3.new"
  mv -f "$3.new" "$3"
}

put 644 dist/dictator.cjs "$lib/dictator.cjs"
if [ -f dist/dictator.cjs.LEGAL.txt ]; then put 644 dist/dictator.cjs.LEGAL.txt "$lib/dictator.cjs.LEGAL.txt"; fi

# Node.js that lies in the checkout or in somebody's home would be gone, or out of reach of the service.
node=$(readlink -f "$(command -v node)")
case $node in
  /usr/bin/* | /usr/local/bin/* | /usr/lib/* | /usr/local/lib/* | /opt/*) rm -f "$lib/node" ;;
  *) put 755 "$node" "$lib/node" ;;
esac

put 755 packaging/dictator.sh "$root$prefix/bin/dictator"

unit=$(mktemp)
trap 'rm -f "$unit"' EXIT
for name in dictator dictator-gateway; do
  sed -e "s|@PREFIX@|$prefix|g" -e "s|@SYSCONFDIR@|$sysconfdir|g" "packaging/$name.service.in" >"$unit"
  put 644 "$unit" "$units/$name.service"
done

put 644 packaging/redis-recommended.conf "$doc/redis-recommended.conf"
put 644 LICENSE "$doc/LICENSE"
put 644 packaging/dictator.conf.example "$etc/dictator.conf.example"

# An existing configuration is never touched, a dangling link to one included. The new one is for all to read: it has
# no password, and the service's user exists only while it runs (the unit says where a password belongs).
if [ ! -e "$etc/dictator.conf" ] && [ ! -L "$etc/dictator.conf" ]; then
  put 644 packaging/dictator.conf.example "$etc/dictator.conf"
fi

echo "installed $root$prefix/bin/dictator"
