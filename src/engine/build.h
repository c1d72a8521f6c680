/*
 * Building an image with the engine's own builder: POST /build of the Docker Engine API, the
 * context streamed as a tar archive.
 */
#ifndef ENGINE_BUILD_H
#define ENGINE_BUILD_H

#include "engine/engine.h"
#include "model/project.h"

/* What the command line adds to a build section. All may be zero. */
struct build_options {
    bool no_cache, pull;
    const struct key_values *args;    /* on top of the file's */
    const struct key_values *proxies; /* HTTP_PROXY and the like, where nothing else sets them */
    int64_t memory;                   /* bytes */
    const char *registry_config;      /* X-Registry-Config, or NULL */
};

/* A line of output: step N of M begins with its instruction, or (step 0) a line that it printed. */
typedef void build_line_fn(void *arg, int step, int steps, const char *text);
/* Exactly once. `id` of the image, "" when the engine did not say. With an error, `evidence` has
 * the last lines of the step that failed. */
typedef void build_done_fn(void *arg, const char *id, const char *evidence, const struct err *err);

/*
 * Begins to build the service's image under its name and tags. Fails at once for what this builder
 * cannot do and for a context that cannot be read, with the place in the file; then there is no
 * callback. *ret is the call, for engine_cancel().
 */
int engine_build(struct engine *e, const struct project *project, const struct service *service,
                 const struct build_options *options, build_line_fn *line, build_done_fn *done,
                 void *arg, struct engine_call **ret, struct err *err) MUST_CHECK;

/* The line in a Dockerfile's text where instruction number `step` (from 1) begins; 0 = none. */
int build_step_line(const char *text, int step);

#endif
