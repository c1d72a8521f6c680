#!/bin/sh
# Proves who can reach whom: names, ports, protocols and credentials, seen from each container.
#   validate-connectivity.sh [database|redis|backend|frontend|network|quick|info]
set -eu
cd "$(dirname "$0")/.."
. scripts/lib.sh
exec "$FETTLE" check "$@"
