#!/bin/sh
# Waits until PostgreSQL has its tables and Redis takes writes, then becomes the command given.
#   wait-for-services.sh [OPTIONS] [-- COMMAND [ARGS]]
# Meant for the inside of a container: targets come from DATABASE_URL and REDIS_URL there. Needs
# `fettle await` (a later version). Until then depends_on in docker-compose.yml does the waiting.
set -eu
fettle=${FETTLE:-fettle}
if ! "$fettle" help await >/dev/null 2>&1; then
    echo "wait-for-services: fettle await is not there (yet): let depends_on with service_healthy" \
        "hold the service back, as docker-compose.yml does" >&2
    exit 2
fi
exec "$fettle" await --env DATABASE_URL --env REDIS_URL "$@"
