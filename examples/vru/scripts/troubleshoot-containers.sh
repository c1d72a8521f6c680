#!/bin/sh
# Finds what is broken, shows the evidence, and says what to do.
#   troubleshoot-containers.sh                     everything
#   troubleshoot-containers.sh service NAME        one service
#   troubleshoot-containers.sh logs [NAME]         error patterns in the logs
#   troubleshoot-containers.sh resources|environment|network
# Without `fettle doctor` (a later version) it only collects: what each service answers, the state of
# its container, its last lines of log.
set -eu
cd "$(dirname "$0")/.."
. scripts/lib.sh
case ${1:-} in
    service)
        shift
        [ $# -gt 0 ] || set -- --help ;;
esac
if has doctor; then
    exec "$FETTLE" doctor "$@"
fi
case ${1:-} in
    -* | resources | environment | network)
        echo "this fettle has no doctor yet; for now: [service NAME] or logs [NAME]" >&2
        exit 2 ;;
    logs)
        shift
        exec "$FETTLE" logs --tail 100 "$@" ;;
esac
echo "this fettle has no doctor yet: facts without a diagnosis" >&2
bad=0
"$FETTLE" status "$@" || bad=$?
echo
"$FETTLE" ps -a "$@"
echo
"$FETTLE" logs --tail 20 "$@"
exit "$bad"
