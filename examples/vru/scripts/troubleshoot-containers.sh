#!/bin/sh
# Finds what is broken, shows the evidence, and says what to do.
#   troubleshoot-containers.sh                     everything
#   troubleshoot-containers.sh service NAME        one service
#   troubleshoot-containers.sh logs [NAME]         error patterns in the logs
#   troubleshoot-containers.sh resources|environment|network
# Comes with a later version of fettle; says so until then.
set -eu
cd "$(dirname "$0")/.."
. scripts/lib.sh
needs doctor "fettle status shows which service is not ready and why, fettle logs NAME what it says,
       scripts/postgres-init.sh proves PostgreSQL and its tables"
[ "${1:-}" != service ] || shift
exec "$FETTLE" doctor "$@"
