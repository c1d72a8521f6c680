/*
 * .dockerignore: which files of a build context are left out. The rules are those of the Docker
 * documentation, "Dockerfile reference, .dockerignore file", and of Go's filepath.Match.
 */
#ifndef ENGINE_DOCKERIGNORE_H
#define ENGINE_DOCKERIGNORE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct ignore_pattern;

struct dockerignore {
    struct ignore_pattern *patterns;
    size_t count, cap;
    bool exceptions; /* there is a pattern with "!" */
};

enum { DOCKERIGNORE_MAX = 1 << 20 };

/*
 * Adds the lines of a file; `name` is for messages. -ERR_INPUT with name:line for a pattern that is
 * none. Zero = no patterns; release also after a failure.
 */
int dockerignore_parse(struct dockerignore *d, const char *name, const char *text, size_t len,
                       struct err *err) MUST_CHECK;
void dockerignore_release(struct dockerignore *d);

/* `path` is relative to the context, cleaned, with slashes. The last pattern that says something
 * about it, or about a directory above it, counts. */
bool dockerignore_excludes(const struct dockerignore *d, const char *path);
/* An exception may bring something below this excluded directory back: it has to be looked into. */
bool dockerignore_descends(const struct dockerignore *d, const char *directory);

#endif
