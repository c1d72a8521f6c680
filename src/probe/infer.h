/*
 * Which probes fit a service: the declared ones completed, and those that its image, ports, command
 * and environment give away. Pure. The rules and why they are careful: docs/decisions/.
 */
#ifndef PROBE_INFER_H
#define PROBE_INFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "model/probe_spec.h"
#include "model/project.h"

/* What the image says, where it is known; all may be zero. */
struct infer_image {
    const char *const *env; /* "K=V" */
    size_t env_count;
    const uint16_t *ports; /* TCP ports exposed */
    size_t port_count;
    const char *const *entrypoint, *const *command;
    size_t entrypoint_count, command_count;
    const char *const *healthcheck; /* test of the image, ["CMD", ...]; count 0 = none */
    size_t healthcheck_count;
};

struct infer_input {
    const struct project *project; /* for secrets; may be NULL */
    const struct service *service;
    const struct infer_image *image; /* may be NULL */
    /* Content of a file on the host (a secret), without a final newline, living as long as the
     * arena; NULL when it cannot be read. May itself be NULL: then nothing is read. */
    const char *(*read_file)(void *arg, struct arena *a, const char *host_path);
    void *arg;
};

/*
 * The probes of a service in the arena, declared ones first; returns how many (0 = only the health
 * check or the running state counts). ready: false gives none. host stays NULL: the container's own
 * address.
 */
size_t probe_infer(const struct infer_input *in, struct arena *a, struct probe_spec **ret);

/*
 * An HTTP probe out of a health check that is one curl or wget call (and "|| exit 1"); false when
 * it is anything else.
 */
bool infer_from_curl(const char *const *test, size_t count, struct arena *a,
                     struct probe_spec *ret);

#endif
