/*
 * The same question about many things at once, and the answers in order: top, stats, images.
 */
#ifndef CMD_GATHER_H
#define CMD_GATHER_H

#include <jansson.h>
#include <stddef.h>

#include "cmd/context.h"
#include "engine/engine.h"

struct gather {
    struct cmd_context *ctx;
    struct engine *engine;
    json_t **answers; /* one per question, NULL when it failed */
    struct err *errors;
    size_t count, pending;
};

/* One GET per path, all under way together; waits for all of them. Single failures are kept in
 * errors; only an interrupt fails the whole. */
int gather_get(struct cmd_context *ctx, struct engine *engine, char *const *paths, size_t count,
               struct gather *ret, struct err *err) MUST_CHECK;
void gather_release(struct gather *g);

#endif
