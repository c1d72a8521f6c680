#!/bin/sh
# Waits until PostgreSQL has its tables and Redis takes writes, then becomes the command given.
#   wait-for-services.sh [OPTIONS] [-- COMMAND [ARGS]]
# Meant for the inside of a container: targets come from DATABASE_URL and REDIS_URL there.
# Comes with a later version of fettle; says so until then.
set -eu
FETTLE=${FETTLE:-fettle}
if ! command -v "$FETTLE" >/dev/null; then
    echo "fettle was not found: install it, or set FETTLE to where it is" >&2
    exit 1
fi
if ! "$FETTLE" help await >/dev/null 2>&1; then
    echo "fettle await comes with a later version than this one ($FETTLE)" >&2
    echo "today: fettle up -d starts a service when what it depends on is proved ready; on the host," >&2
    echo "       fettle status proves it again and scripts/postgres-init.sh waits for PostgreSQL" >&2
    exit 2
fi
exec "$FETTLE" await --env DATABASE_URL --env REDIS_URL "$@"
