/*
 * What up, down, start, stop, restart and the like share: load the project, look at the engine,
 * plan, walk the plan with progress on the terminal.
 */
#ifndef CMD_DRIVE_H
#define CMD_DRIVE_H

#include "cmd/args.h"
#include "cmd/context.h"
#include "engine/engine.h"
#include "engine/observe.h"
#include "model/event.h"
#include "plan/plan.h"
#include "run/run.h"

struct drive {
    struct cmd_context *ctx;
    struct engine *engine;
    const struct project *project; /* from the files, or rebuilt from labels */
    struct project *from_labels;   /* owned */
    const char *name;
    struct observed observed;
    struct plan_options plan;
    struct run_options run;
    struct event_hub hub;
    struct progress *progress;
    struct plan last; /* the plan walked last */
    struct run *walked;
    const char **services; /* of the command line */
    struct docker_config *config;
    struct arena arena;
    struct key_values proxies;
};

typedef int planner_fn(const struct project *p, const struct observed *o,
                       const struct plan_options *opts, struct plan *ret, struct err *err);

enum drive_flags {
    DRIVE_NEEDS_FILES = 1, /* the command makes no sense from labels alone */
    DRIVE_ALL_PROFILES = 2,
    DRIVE_IMAGES = 4, /* images matter (up, create) */
    DRIVE_SERVICES_FROM_ARGS = 8,
    DRIVE_NO_DEPS = 16, /* the named services alone, as if they depended on nothing */
    DRIVE_WHOLE = 32    /* also those that depend on the named ones (restart) */
};

/*
 * Loads, connects and observes. Services named on the command line go into plan.services. Release
 * with drive_release() also after a failure.
 */
int drive_open(struct drive *d, struct cmd_context *ctx, const struct args *args, unsigned flags,
               struct err *err) MUST_CHECK;
/* Looks again. */
int drive_observe(struct drive *d, unsigned flags, struct err *err) MUST_CHECK;
/* Plans and walks; with --dry-run only prints. Progress goes to the terminal until drive_quiet().
 */
int drive_walk(struct drive *d, planner_fn *planner, struct err *err) MUST_CHECK;
/* Below a walk that started something: addresses (when it went well), time to ready, critical path;
 * the timeline is kept. */
void drive_summary(struct drive *d, bool ok);
/* --pull of up, create and run, whose choices are checked already. */
enum pull_override drive_pull(const struct args *args);
/* "--timeout 10" in seconds to ns; -1 when not given. */
int64_t drive_timeout(const struct args *args);
/* Is this variable of our environment 1 or true? */
bool drive_env(const char *name);
/* --remove-orphans, COMPOSE_REMOVE_ORPHANS where the option is not given. */
bool drive_removes_orphans(const struct args *args);
void drive_release(struct drive *d);

#endif
