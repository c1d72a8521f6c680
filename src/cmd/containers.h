/*
 * The containers that a command is about: one list call, then chosen by service names.
 */
#ifndef CMD_CONTAINERS_H
#define CMD_CONTAINERS_H

#include <stdbool.h>
#include <stddef.h>

#include "cmd/args.h"
#include "cmd/context.h"
#include "model/observed.h"

struct containers {
    struct observed observed;
    const struct observed_container **items; /* the chosen ones, by name */
    size_t count;
};

enum containers_flags {
    CONTAINERS_ALL = 1,     /* stopped ones too */
    CONTAINERS_ONEOFF = 2,  /* those of `run` too */
    CONTAINERS_LENIENT = 4, /* an unknown service is no error, it just has no containers */
    CONTAINERS_KNOWN = 8    /* leave out those of services that are not in the files */
};

/* Engine and project are made ready on the way. `services` may be empty: all. */
int containers_load(struct cmd_context *ctx, const char *const *services, size_t service_count,
                    unsigned flags, struct containers *ret, struct err *err) MUST_CHECK;
void containers_release(struct containers *c);
/*
 * The container of a service that exec, port and the like act on: one that runs before one that
 * does not, one-off ones last, then the lowest number; index 0 = any. Fails as docker compose does
 * when none runs.
 */
int containers_pick(struct cmd_context *ctx, const char *service, int64_t index,
                    struct containers *c, const struct observed_container **ret,
                    struct err *err) MUST_CHECK;

#endif
