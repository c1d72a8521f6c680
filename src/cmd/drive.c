/*
 * Load, observe, plan, walk: the way of every command that changes a stack.
 */
#include "cmd/drive.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "compose/load.h"
#include "view/plan.h"

static int open_project(struct drive *d, unsigned flags, struct err *err)
{
    struct project *p = NULL;
    unsigned how = (flags & DRIVE_NEEDS_FILES ? 0 : PROJECT_OPTIONAL) |
                   (flags & DRIVE_ALL_PROFILES ? PROJECT_ALL_PROFILES : 0) |
                   (flags & DRIVE_NO_DEPS ? COMPOSE_NO_DEPENDENCIES : 0) |
                   (flags & DRIVE_WHOLE ? COMPOSE_WHOLE : 0);
    int rc = context_project(d->ctx, how, d->services, d->plan.service_count, &p, err);
    if (rc) {
        return rc;
    }
    d->project = p;
    return context_name(d->ctx, &d->name, err);
}

int drive_observe(struct drive *d, unsigned flags, struct err *err)
{
    unsigned what = OBSERVE_ALL & ~(unsigned)(flags & DRIVE_IMAGES ? 0 : OBSERVE_IMAGES);
    observed_release(&d->observed);
    observe_start(d->engine, d->name, d->project, what, &d->observed, context_done, d->ctx);
    return context_wait(d->ctx, err);
}

/* Who we are at registries, and proxies: what docker's configuration says counts for us too. */
static void read_docker_config(struct drive *d)
{
    const char *dir = getenv("DOCKER_CONFIG"), *home = getenv("HOME");
    CLEANUP_FREE char *path = !str_empty(dir)
                                  ? xasprintf("%s/config.json", dir)
                                  : xasprintf("%s/.docker/config.json", home ? home : "");
    struct err err = {0};
    if (docker_config_load(path, &d->config, &err)) {
        show_warning(d->ctx, "%s:%d: %s; going on without it", err.file, err.line, err.message);
        return;
    }
    d->run.config = d->config;
    d->proxies = docker_config_proxies(d->config, &d->arena, engine_traits(d->engine)->endpoint);
    d->run.proxies = &d->proxies;
}

int drive_open(struct drive *d, struct cmd_context *ctx, const struct args *args, unsigned flags,
               struct err *err)
{
    int rc = 0;
    *d = (struct drive){.ctx = ctx};
    arena_init(&d->arena);
    if (flags & DRIVE_SERVICES_FROM_ARGS) {
        d->services = xcalloc(args->argc + 1, sizeof(*d->services));
        for (size_t i = 0; i < args->argc; i++) {
            d->services[i] = args->argv[i];
        }
        d->plan.services = d->services;
        d->plan.service_count = args->argc;
    }
    d->plan.now = clock_wall();
    d->run.stop_timeout = -1;
    d->run.deadline = CLOCK_NEVER;
    d->run.parallel = (int)args_number(ctx->globals, "parallel", 0);
    rc = open_project(d, flags, err);
    rc = rc ? rc : context_engine(ctx, &d->engine, err);
    rc = rc ? rc : drive_observe(d, flags, err);
    if (!rc && !d->project) {
        d->project = d->from_labels = plan_project_from_labels(d->name, &d->observed);
    }
    d->run.project = d->name;
    if (!rc && (flags & DRIVE_IMAGES)) {
        read_docker_config(d);
    }
    return rc;
}

/* The words are those of the option's choices. */
enum pull_override drive_pull(const struct args *args)
{
    static const struct {
        const char *word;
        enum pull_override value;
    } words[] = {{"always", PULL_OVERRIDE_ALWAYS},
                 {"missing", PULL_OVERRIDE_MISSING},
                 {"if_not_present", PULL_OVERRIDE_MISSING},
                 {"never", PULL_OVERRIDE_NEVER},
                 {"build", PULL_OVERRIDE_BUILD}};
    const char *text = args_text(args, "pull");
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (str_eq(words[i].word, text)) {
            return words[i].value;
        }
    }
    return PULL_AS_SAID;
}

int64_t drive_timeout(const struct args *args)
{
    int64_t s = args_number(args, "timeout", -1);
    return s < 0 ? -1 : s * NS_PER_SEC;
}

bool drive_env(const char *name)
{
    const char *v = getenv(name);
    return v && (str_eq_nocase(v, "1") || str_eq_nocase(v, "true"));
}

bool drive_removes_orphans(const struct args *args)
{
    return args_flag(args, "remove-orphans") ||
           (!args_set(args, "remove-orphans") && drive_env("COMPOSE_REMOVE_ORPHANS"));
}

/* --- walking --- */

static void on_done(void *arg, const struct err *err)
{
    context_done(arg, err);
}

static void on_interrupt(void *arg, int times UNUSED)
{
    struct drive *d = arg;
    run_cancel(d->walked);
}

static void show_plan(struct drive *d)
{
    CLEANUP_BUF struct buf b = BUF_INIT;
    view_plan_text(&d->last, &b);
    show_buf(STDOUT_FILENO, &b);
}

int drive_walk(struct drive *d, planner_fn *planner, struct err *err)
{
    struct progress_setup setup = {.project = d->name};
    int rc = 0;
    run_free(d->walked);
    d->walked = NULL;
    plan_release(&d->last);
    rc = planner(d->project, &d->observed, &d->plan, &d->last, err);
    if (rc) {
        return rc;
    }
    if (d->ctx->dry_run) {
        show_plan(d);
        return 0;
    }
    if (!d->progress) {
        d->progress = context_progress(d->ctx, &d->hub, &setup);
    }
    d->walked = run_new(context_loop(d->ctx), d->engine, &d->last, &d->hub, &d->run);
    context_on_interrupt(d->ctx, on_interrupt, d);
    run_start(d->walked, on_done, d->ctx);
    rc = context_wait(d->ctx, err);
    context_on_interrupt(d->ctx, NULL, NULL);
    if (rc < 0 && rc != -ERR_CANCELLED) {
        d->ctx->told = true; /* the run has said it, with its evidence */
    }
    return rc;
}

void drive_summary(struct drive *d, bool ok)
{
    struct observed now = {0};
    struct err ignored = {0};
    if (!d->walked) {
        return;
    }
    if (!ok) {
        context_summary(d->ctx, NULL, run_timeline(d->walked));
        return;
    }
    observe_start(d->engine, d->name, NULL, OBSERVE_CONTAINERS, &now, context_done, d->ctx);
    context_summary(d->ctx, context_wait(d->ctx, &ignored) ? NULL : &now, run_timeline(d->walked));
    observed_release(&now);
}

void drive_release(struct drive *d)
{
    run_free(d->walked);
    context_progress_end(d->ctx);
    plan_release(&d->last);
    observed_release(&d->observed);
    project_free(d->from_labels);
    free(d->services);
    docker_config_free(d->config);
    arena_release(&d->arena);
}
