/*
 * Short forms that stand on a command line (run -p, run -v), read by the rules of the files.
 */
#ifndef COMPOSE_SHORT_H
#define COMPOSE_SHORT_H

#include "base/err.h"
#include "model/project.h"

/* What `ports:` would make of these; in the arena. -ERR_USAGE names the one that is wrong. */
int short_ports(struct arena *arena, const char *const *specs, size_t count, struct port **ret,
                size_t *ret_count, struct err *err) MUST_CHECK;
/* What `volumes:` would make of these; relative paths start at `base` (absolute). */
int short_mounts(struct arena *arena, const char *base, const char *home, const char *const *specs,
                 size_t count, struct mount **ret, size_t *ret_count, struct err *err) MUST_CHECK;

#endif
