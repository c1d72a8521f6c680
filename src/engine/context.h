/*
 * A build context as a stream: the files of a directory that .dockerignore leaves in, as a tar
 * archive made while it is sent. What is read at once is one list of paths; contents pass through
 * in pieces.
 */
#ifndef ENGINE_CONTEXT_H
#define ENGINE_CONTEXT_H

#include <stdint.h>

#include "base/err.h"
#include "engine/transport.h"

struct build_context;

/*
 * `dir` is absolute. `dockerfile` is relative to it or absolute; one outside of `dir`, or `inlined`
 * text, is put in under a name of its own. Fails with the path and what to do.
 */
int build_context_new(const char *dir, const char *dockerfile, const char *inlined,
                      struct build_context **ret, struct err *err) MUST_CHECK;
void build_context_free(struct build_context *c);
/* The Dockerfile's path inside the archive. */
const char *build_context_dockerfile(const struct build_context *c);
/* The Dockerfile's path for messages, "" when it was inlined. */
const char *build_context_source(const struct build_context *c);
/* Files in it, and their bytes, as they were when it was listed. */
size_t build_context_count(const struct build_context *c);
uint64_t build_context_bytes(const struct build_context *c);
/* An engine_produce_fn; arg is the context. Once through, it stays at its end. */
long build_context_produce(void *arg, void *buf, size_t size, struct err *err);

#endif
