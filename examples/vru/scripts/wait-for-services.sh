#!/bin/sh
# Waits until PostgreSQL has its tables and Redis takes writes, then becomes the command given.
#   wait-for-services.sh [OPTIONS] [-- COMMAND [ARGS]]
# Meant for the inside of a container: targets come from DATABASE_URL and REDIS_URL there.
set -eu
exec "${FETTLE:-fettle}" await --env DATABASE_URL --env REDIS_URL "$@"
