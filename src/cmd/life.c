/*
 * fettle down, stop, start, restart, kill, rm, pause, unpause: each a planner and a walk.
 */
#include "base/clock.h"
#include "base/str.h"
#include "cmd/drive.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- down --- */

static int read_rmi(const struct args *args, unsigned *flags, struct err *err)
{
    const char *rmi = args_text(args, "rmi");
    if (!rmi) {
        return 0;
    }
    if (strcmp(rmi, "local") == 0 || strcmp(rmi, "all") == 0) {
        *flags |= *rmi == 'l' ? PLAN_RMI_LOCAL : PLAN_RMI_ALL;
        return 0;
    }
    err_set(err, ERR_USAGE, "--rmi %s: no such choice", rmi);
    err_hint(err, "local (images that were built here) or all");
    return -ERR_USAGE;
}

static int run_down(struct cmd_context *ctx, const struct args *args, struct err *err)
{
    struct drive d;
    unsigned flags = args_flag(args, "volumes") ? PLAN_VOLUMES : 0;
    int rc = read_rmi(args, &flags, err);
    if (rc) {
        return rc;
    }
    if (drive_removes_orphans(args)) {
        flags |= PLAN_REMOVE_ORPHANS | PLAN_ONEOFF;
    }
    rc = drive_open(&d, ctx, args,
                    DRIVE_SERVICES_FROM_ARGS |
                        (flags & (PLAN_RMI_ALL | PLAN_RMI_LOCAL) ? DRIVE_IMAGES : 0),
                    err);
    if (!rc) {
        d.plan.flags = flags;
        d.run.flags = RUN_KEEP_GOING;
        d.run.stop_timeout = drive_timeout(args);
        rc = drive_walk(&d, plan_down, err);
    }
    if (!rc && !d.last.step_count && !d.ctx->dry_run) {
        show_warning(ctx, "no container, network or volume of project %s to remove", d.name);
    }
    drive_release(&d);
    return rc;
}

#define TIMEOUT_OPTION                                                                           \
    {                                                                                            \
        "timeout", 't', OPTION_NUMBER, "SECONDS", "Grace period instead of each container's own" \
    }

static const struct option down_options[] = {
    {"remove-orphans", 0, OPTION_FLAG, NULL, "Remove containers of services that are in no file"},
    {"rmi", 0, OPTION_TEXT, "WHICH", "Remove images too: local (built here) or all",
     .choices = "local all"},
    TIMEOUT_OPTION,
    {"volumes", 'v', OPTION_FLAG, NULL, "Remove named and anonymous volumes: their data is lost"},
    {NULL},
};

const struct cmd cmd_down = {
    .name = "down",
    .summary = "Stop and remove containers and networks",
    .usage = "[OPTIONS] [SERVICE...]",
    .description = "Dependents go before what they depend on, each with its stop signal and grace "
                   "period. Works without files for a project given by -p: its labels tell.",
    .examples = "fettle down\nfettle down -v   # the data too\nfettle -p old down",
    .options = down_options,
    .max_args = -1,
    .group = GROUP_RUN,
    .completes = COMPLETE_SERVICE,
    .run = run_down,
};

/* --- stop --- */

static int run_stop(struct cmd_context *ctx, const struct args *args, struct err *err)
{
    struct drive d;
    int rc = drive_open(&d, ctx, args, DRIVE_SERVICES_FROM_ARGS, err);
    if (!rc) {
        d.run.flags = RUN_KEEP_GOING;
        d.run.stop_timeout = drive_timeout(args);
        rc = drive_walk(&d, plan_stop, err);
    }
    drive_release(&d);
    return rc;
}

static const struct option stop_options[] = {TIMEOUT_OPTION, {NULL}};

const struct cmd cmd_stop = {
    .name = "stop",
    .summary = "Stop containers without removing them",
    .usage = "[OPTIONS] [SERVICE...]",
    .examples = "fettle stop\n"
                "fettle stop -t 60 worker # more time to finish its work",
    .options = stop_options,
    .max_args = -1,
    .group = GROUP_RUN,
    .completes = COMPLETE_SERVICE,
    .run = run_stop,
};

/* --- start --- */

static int run_start_command(struct cmd_context *ctx, const struct args *args, struct err *err)
{
    struct drive d;
    int rc = drive_open(&d, ctx, args, DRIVE_IMAGES | DRIVE_SERVICES_FROM_ARGS, err);
    if (!rc) {
        /* a stack that does not exist yet is created, when its files are there */
        d.plan.flags = PLAN_PROVE_ALL |
                       (d.from_labels || d.observed.container_count ? PLAN_EXISTING_ONLY : 0);
        rc = drive_walk(&d, plan_up, err);
        drive_summary(&d, rc == 0);
        if (!rc && !d.last.unit_count && !ctx->dry_run) {
            rc = err_set(err, ERR_NOT_FOUND, "project %s has no container to start", d.name);
            err_hint(err, "fettle up creates and starts them");
        }
    }
    drive_release(&d);
    return rc;
}

const struct cmd cmd_start = {
    .name = "start",
    .summary = "Start existing containers, in order, and prove them",
    .usage = "[SERVICE...]",
    .description = "A stack of which nothing exists yet is created first.",
    .examples = "fettle start\n"
                "fettle start backend # and what it depends on",
    .max_args = -1,
    .group = GROUP_RUN,
    .completes = COMPLETE_SERVICE,
    .run = run_start_command,
};

/* --- restart --- */

static int run_restart(struct cmd_context *ctx, const struct args *args, struct err *err)
{
    struct drive d;
    int rc = drive_open(&d, ctx, args, DRIVE_IMAGES | DRIVE_WHOLE | DRIVE_SERVICES_FROM_ARGS, err);
    if (!rc) {
        d.plan.flags = args_flag(args, "no-deps") ? PLAN_NO_DEPS : 0;
        d.run.flags = args_flag(args, "no-wait") ? RUN_NO_PROOF : 0;
        d.run.stop_timeout = drive_timeout(args);
        rc = drive_walk(&d, plan_restart, err);
        drive_summary(&d, rc == 0);
    }
    drive_release(&d);
    return rc;
}

static const struct option restart_options[] = {
    {"no-deps", 0, OPTION_FLAG, NULL, "Leave dependents alone"},
    {"no-wait", 0, OPTION_FLAG, NULL, "Return without proving"},
    TIMEOUT_OPTION,
    {NULL},
};

const struct cmd cmd_restart = {
    .name = "restart",
    .summary = "Restart services in order, and prove them and their dependents",
    .usage = "[OPTIONS] [SERVICE...]",
    .description = "Everything is restarted in dependency order. A named service is restarted and "
                   "proved; what depends on it is proved again, or restarted where the file says "
                   "restart: true.",
    .examples = "fettle restart\nfettle restart postgres",
    .options = restart_options,
    .max_args = -1,
    .group = GROUP_RUN,
    .completes = COMPLETE_SERVICE,
    .run = run_restart,
};

/* --- kill, pause, unpause, rm --- */

static int plan_kill(const struct project *p, const struct observed *o,
                     const struct plan_options *opts, struct plan *ret, struct err *err)
{
    return plan_each(p, o, opts, STEP_KILL, ret, err);
}

static int plan_pause(const struct project *p, const struct observed *o,
                      const struct plan_options *opts, struct plan *ret, struct err *err)
{
    return plan_each(p, o, opts, STEP_PAUSE, ret, err);
}

static int plan_unpause(const struct project *p, const struct observed *o,
                        const struct plan_options *opts, struct plan *ret, struct err *err)
{
    return plan_each(p, o, opts, STEP_UNPAUSE, ret, err);
}

static int plan_remove(const struct project *p, const struct observed *o,
                       const struct plan_options *opts, struct plan *ret, struct err *err)
{
    return plan_each(p, o, opts, STEP_REMOVE, ret, err);
}

static int walk_each(struct drive *d, enum step_kind kind, struct err *err)
{
    planner_fn *planner = kind == STEP_KILL      ? plan_kill
                          : kind == STEP_PAUSE   ? plan_pause
                          : kind == STEP_UNPAUSE ? plan_unpause
                                                 : plan_remove;
    d->run.flags = RUN_KEEP_GOING;
    return drive_walk(d, planner, err);
}

static int run_kill(struct cmd_context *ctx, const struct args *args, struct err *err)
{
    struct drive d;
    int rc = drive_open(&d, ctx, args, DRIVE_SERVICES_FROM_ARGS, err);
    if (!rc) {
        d.plan.flags = PLAN_ONEOFF | (args_flag(args, "remove-orphans") ? PLAN_REMOVE_ORPHANS : 0);
        d.plan.signal = args_text(args, "signal");
        rc = walk_each(&d, STEP_KILL, err);
    }
    if (!rc && !d.last.step_count && !ctx->dry_run) {
        show_warning(ctx, "no container to kill");
    }
    drive_release(&d);
    return rc;
}

static const struct option kill_options[] = {
    {"remove-orphans", 0, OPTION_FLAG, NULL, "Remove containers of services that are in no file"},
    {"signal", 's', OPTION_TEXT, "SIGNAL", "Signal to send", .fallback = "SIGKILL"},
    {NULL},
};

const struct cmd cmd_kill = {
    .name = "kill",
    .summary = "Send a signal to running containers",
    .usage = "[OPTIONS] [SERVICE...]",
    .examples = "fettle kill -s SIGHUP web",
    .options = kill_options,
    .max_args = -1,
    .group = GROUP_RUN,
    .completes = COMPLETE_SERVICE,
    .run = run_kill,
};

static int run_pause(struct cmd_context *ctx, const struct args *args, struct err *err)
{
    struct drive d;
    int rc = drive_open(&d, ctx, args, DRIVE_SERVICES_FROM_ARGS, err);
    rc = rc ? rc
            : walk_each(&d, strcmp(ctx->cmd->name, "pause") == 0 ? STEP_PAUSE : STEP_UNPAUSE, err);
    drive_release(&d);
    return rc;
}

const struct cmd cmd_pause = {
    .name = "pause",
    .summary = "Freeze the processes of services",
    .usage = "[SERVICE...]",
    .max_args = -1,
    .group = GROUP_RUN,
    .completes = COMPLETE_SERVICE,
    .run = run_pause,
};

const struct cmd cmd_unpause = {
    .name = "unpause",
    .summary = "Let frozen services go on",
    .usage = "[SERVICE...]",
    .max_args = -1,
    .group = GROUP_RUN,
    .completes = COMPLETE_SERVICE,
    .run = run_pause,
};

/* Names what would go and asks; true = go on. */
static bool confirm(const struct plan *plan)
{
    size_t shown = 0;
    for (size_t i = 0; i < plan->step_count; i++) {
        if (plan->steps[i]->kind == STEP_REMOVE) {
            show_text("%s%s", shown++ ? ", " : "Going to remove ", plan->steps[i]->target);
        }
    }
    return show_question("\nAre you sure? [yN] ");
}

static int run_rm(struct cmd_context *ctx, const struct args *args, struct err *err)
{
    struct drive d;
    struct plan preview = {0};
    int rc = drive_open(&d, ctx, args, DRIVE_SERVICES_FROM_ARGS, err);
    if (!rc) {
        d.plan.flags = (args_flag(args, "volumes") ? PLAN_VOLUMES : 0) |
                       (args_flag(args, "stop") ? PLAN_FORCE : 0);
        d.run.stop_timeout = -1;
        rc = plan_remove(d.project, &d.observed, &d.plan, &preview, err);
    }
    if (!rc && !preview.step_count) {
        show_warning(ctx, "No stopped containers");
    } else if (!rc && (args_flag(args, "force") || ctx->dry_run || confirm(&preview))) {
        rc = walk_each(&d, STEP_REMOVE, err);
    }
    plan_release(&preview);
    drive_release(&d);
    return rc;
}

static const struct option rm_options[] = {
    {"all", 'a', OPTION_FLAG, NULL, "No effect", .bits = OPTION_HIDDEN | OPTION_DEPRECATED,
     .note = "it is the default"},
    {"force", 'f', OPTION_FLAG, NULL, "Do not ask"},
    {"stop", 's', OPTION_FLAG, NULL, "Stop running ones first"},
    {"volumes", 'v', OPTION_FLAG, NULL, "Remove anonymous volumes too"},
    {NULL},
};

const struct cmd cmd_rm = {
    .name = "rm",
    .summary = "Remove stopped containers",
    .usage = "[OPTIONS] [SERVICE...]",
    .examples = "fettle rm -f          # what is stopped\n"
                "fettle rm -fsv worker # stop it first, its anonymous volumes too",
    .options = rm_options,
    .max_args = -1,
    .group = GROUP_RUN,
    .completes = COMPLETE_SERVICE,
    .run = run_rm,
};
