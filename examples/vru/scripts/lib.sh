# Shared by the scripts of this folder: which fettle to call, and the base image. To be sourced from
# the platform's folder.
# shellcheck shell=sh

# The one of $FETTLE, of $PATH, or of the source tree that this example lies in.
if [ -z "${FETTLE:-}" ]; then
    FETTLE=$(command -v fettle || true)
    [ -n "$FETTLE" ] || FETTLE=$PWD/../../build/fettle
fi
if [ ! -x "$FETTLE" ]; then
    echo "fettle was not found: install it, or set FETTLE to where it is" >&2
    exit 1
fi

# Our images stand on vru/base:12, which no Dockerfile can make; another BASE_IMAGE is a registry's.
base_image() {
    if [ -z "${BASE_IMAGE:-}" ] && ! grep -qs '^BASE_IMAGE=' .env; then
        images/base/build
    fi
}

# has COMMAND: does this fettle know it?
has() {
    "$FETTLE" help "$1" >/dev/null 2>&1
}
