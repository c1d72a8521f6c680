#!/bin/sh
# Proves who can reach whom: names, ports, protocols and credentials, seen from each container.
#   validate-connectivity.sh [database|redis|backend|frontend|network|quick|info]
# Comes with a later version of fettle; says so until then.
set -eu
cd "$(dirname "$0")/.."
. scripts/lib.sh
needs check "fettle status proves every service, fettle logs NAME shows what it says,
       scripts/postgres-init.sh proves PostgreSQL and its tables"
exec "$FETTLE" check "$@"
