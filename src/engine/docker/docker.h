/*
 * The transport over HTTP: Docker, Podman, or the embedded engine, at one endpoint.
 */
#ifndef ENGINE_DOCKER_DOCKER_H
#define ENGINE_DOCKER_DOCKER_H

#include "engine/docker/endpoint.h"
#include "engine/transport.h"
#include "ev/ev.h"

enum {
    DOCKER_API_MIN = 41, /* Docker 20.10 */
    DOCKER_API_MAX = 51  /* Docker 28 */
};

struct docker_options {
    const char *api_version; /* DOCKER_API_VERSION ("1.44"): use this one; NULL = negotiate */
    const char *runtime_dir; /* where ssh keeps its control sockets; NULL = no sharing */
};

/*
 * A transport for the endpoint, which stays the caller's (copied). Nothing is sent before
 * connect() or the first call. Fails when TLS files cannot be read. Release with
 * ops->free(): calls in flight then answer ERR_CANCELLED first.
 */
int docker_new(struct ev_loop *loop, const struct endpoint *endpoint,
               const struct docker_options *options, struct engine_transport **ret,
               struct err *err) MUST_CHECK;

#endif
