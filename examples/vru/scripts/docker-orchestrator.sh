#!/bin/sh
# Sets the platform up, starts it in order, and looks after it. Each command is fettle's own.
#   docker-orchestrator.sh setup|start|stop|restart|status|logs|build|clean [SERVICE] [OPTIONS]
set -eu
cd "$(dirname "$0")/.."
. scripts/lib.sh

command=${1:-help}
[ $# -eq 0 ] || shift
case $command in
    setup | build)
        base_image
        exec "$FETTLE" "$command" "$@" ;;
    start | stop | restart | status | logs | clean)
        exec "$FETTLE" "$command" "$@" ;;
    *)
        sed -n '3s/^# *//p' "$0" >&2
        exit 2 ;;
esac
