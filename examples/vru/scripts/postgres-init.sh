#!/bin/sh
# Brings PostgreSQL alone up and leaves only when it is initialised: it accepts a login over the
# network, answers a query, and has every table that docker-compose.yml asks for (x-fettle.ready).
set -eu
cd "$(dirname "$0")/.."
. scripts/lib.sh
exec "$FETTLE" up -d --wait --no-deps "$@" postgres
