/*
 * Parallel GETs over the engine's kept connections. Knows no command.
 */
#include "cmd/gather.h"

#include <stdlib.h>

struct question {
    struct gather *gather;
    size_t index;
};

static void on_answer(void *arg, const struct engine_reply *reply, const struct err *err)
{
    struct question q = *(struct question *)arg;
    struct gather *g = q.gather;
    free(arg);
    if (err) {
        g->errors[q.index] = *err;
    } else if (reply->json) {
        g->answers[q.index] = json_deep_copy(reply->json);
    }
    if (--g->pending == 0) {
        context_finish(g->ctx, 0, NULL);
    }
}

int gather_get(struct cmd_context *ctx, struct engine *engine, char *const *paths, size_t count,
               struct gather *ret, struct err *err)
{
    *ret = (struct gather){.ctx = ctx, .engine = engine, .count = count, .pending = count};
    ret->answers = xcalloc(count + 1, sizeof(json_t *));
    ret->errors = xcalloc(count + 1, sizeof(*ret->errors));
    if (count == 0) {
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        struct question *q = xcalloc(1, sizeof(*q));
        *q = (struct question){ret, i};
        engine_simple(engine, "GET", on_answer, q, "%s", paths[i]);
    }
    return context_wait(ctx, err);
}

void gather_release(struct gather *g)
{
    for (size_t i = 0; i < g->count; i++) {
        json_decref(g->answers[i]);
    }
    free(g->answers);
    free(g->errors);
    *g = (struct gather){0};
}
