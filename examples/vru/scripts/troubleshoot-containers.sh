#!/bin/sh
# Finds what is broken, shows the evidence, and says what to do.
#   troubleshoot-containers.sh                     everything
#   troubleshoot-containers.sh service NAME        one service
#   troubleshoot-containers.sh logs [NAME]         error patterns in the logs
#   troubleshoot-containers.sh resources|environment|network
set -eu
cd "$(dirname "$0")/.."
. scripts/lib.sh
[ "${1:-}" != service ] || shift
exec "$FETTLE" doctor "$@"
