/*
 * Walks a plan on an engine: everything that can run does, the longest remaining chain first, every
 * wait has a deadline, nothing polls. A dependency is released by its gate's first proof. Says what
 * happens as events (model/event.h) and keeps the timeline of the start.
 */
#ifndef RUN_RUN_H
#define RUN_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/build.h"
#include "engine/docker_config.h"
#include "engine/engine.h"
#include "ev/ev.h"
#include "model/event.h"
#include "model/timeline.h"
#include "plan/plan.h"

enum run_flags {
    RUN_KEEP_GOING = 1, /* a failure stops only what depends on it (down, stop) */
    RUN_QUIET_PULL = 2,
    RUN_NO_PROOF = 4, /* PROVE steps are done at once (up --no-wait) */
    RUN_QUIET_BUILD = 16,
    RUN_ATTACH =
        8 /* containers that are started are attached to first: their output is LOG events */
};

struct run_options {
    unsigned flags;
    int parallel;         /* starts in flight; 0 = twice the processors */
    int64_t deadline;     /* absolute monotonic ns of the whole run, CLOCK_NEVER = none */
    int64_t stop_timeout; /* ns; -1 = each container's own grace period */
    int64_t watch_retry;  /* ns before a lost event stream is opened again; 0 = 100 ms */
    int64_t settle;       /* ns that a container with nothing to prove must stay up before it counts
                             as started; 0 = 100 ms */
    const char *project;  /* its name */
    const struct build_options *build;  /* what --no-cache and the like add; NULL = nothing */
    const struct docker_config *config; /* who we are at registries; NULL = nobody */
    const struct key_values *proxies;   /* from the docker configuration; may be NULL */
    bool (*attach_wanted)(void *arg,
                          const struct service *service); /* with RUN_ATTACH; NULL = all */
    void *attach_arg;
};

struct run;
/*
 * `done` is called exactly once, from the loop: err is NULL when everything that was required was
 * done (and proved). The run may be freed from there or later.
 */
typedef void run_done_fn(void *arg, const struct err *err);

/* Borrows everything; plan and hub must outlive the run. The engine is connected. */
struct run *run_new(struct ev_loop *loop, struct engine *engine, const struct plan *plan,
                    const struct event_hub *hub, const struct run_options *options);
void run_start(struct run *r, run_done_fn *done, void *arg);
/*
 * Begins nothing new and waits for calls under way; a second time those are cancelled too. `done`
 * follows with ERR_CANCELLED.
 */
void run_cancel(struct run *r);
/*
 * With RUN_ATTACH, also after `done`: attaches to a container of the plan that was started again.
 * False when its output is not wanted or it is none of the plan's.
 */
bool run_attach_again(struct run *r, const char *id);
/* Only after `done`. */
void run_free(struct run *r);
/* The timeline so far; strings live as long as the run. */
struct timeline *run_timeline(struct run *r);
/* Engine id of a unit's container, "" when it has none (yet). */
const char *run_unit_id(const struct run *r, const struct plan_unit *unit);

#endif
