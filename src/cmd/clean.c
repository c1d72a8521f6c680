/*
 * fettle clean: removes what the project made, and says first what that is. Volumes and images only
 * when asked for.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/str.h"
#include "cmd/drive.h"
#include "cmd/state.h"

static const struct {
    enum step_kind kind;
    const char *what, *remark;
} kinds[] = {{STEP_REMOVE, "container", ""},
             {STEP_NETWORK_REMOVE, "network", ""},
             {STEP_VOLUME_REMOVE, "volume", " (the data is lost)"},
             {STEP_IMAGE_REMOVE, "image", ""}};

static void announce(const struct plan *plan)
{
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        CLEANUP_STRV struct strv names = {0};
        for (size_t i = 0; i < plan->step_count; i++) {
            if (plan->steps[i]->kind == kinds[k].kind) {
                strv_push(&names, plan->steps[i]->target);
            }
        }
        if (names.len) {
            strv_sort(&names);
            show_text("removes %zu %s%s%s:", names.len, kinds[k].what, names.len == 1 ? "" : "s",
                      kinds[k].remark);
            for (size_t i = 0; i < names.len; i++) {
                show_text(" %s", names.items[i]);
            }
            show_text("\n");
        }
    }
}

static void forget(const char *project)
{
    CLEANUP_FREE char *path = state_path(project, "timeline.json");
    if (path) {
        unlink(path);
    }
}

static unsigned flags_of(const struct args *args)
{
    unsigned flags = PLAN_REMOVE_ORPHANS | PLAN_ONEOFF;
    bool all = args_flag(args, "all");
    flags |= all || args_flag(args, "volumes") ? PLAN_VOLUMES : 0;
    flags |= all ? PLAN_RMI_ALL : args_flag(args, "images") ? PLAN_RMI_LOCAL : 0;
    return flags;
}

static int run_clean(struct cmd_context *ctx, const struct args *args, struct err *err)
{
    struct drive d = {0};
    struct plan preview = {0};
    unsigned flags = flags_of(args);
    bool lossy = (flags & (PLAN_VOLUMES | PLAN_RMI_LOCAL | PLAN_RMI_ALL)) != 0;
    bool ask = lossy && !args_flag(args, "yes") && isatty(STDIN_FILENO) && !ctx->json;
    int rc = drive_open(&d, ctx, args, lossy ? DRIVE_IMAGES : 0, err);
    if (rc == 0) {
        d.plan.flags = flags;
        d.run.flags = RUN_KEEP_GOING;
        rc = plan_down(d.project, &d.observed, &d.plan, &preview, err);
    }
    if (rc == 0 && !preview.step_count) {
        if (!ctx->json) {
            show_text("nothing to remove for project %s\n", d.name);
        }
        forget(d.name);
    } else if (rc == 0) {
        if (!ctx->json) {
            announce(&preview);
        }
        if (ask && !ctx->dry_run && !show_question("Go on? [y/N] ")) {
            rc = err_set(err, ERR_CANCELLED, "nothing was removed");
        } else if (!ctx->dry_run) {
            rc = drive_walk(&d, plan_down, err);
            if (rc == 0) {
                forget(d.name);
            }
        }
    }
    plan_release(&preview);
    drive_release(&d);
    return rc;
}

static const struct option options[] = {
    {"all", 'a', OPTION_FLAG, NULL, "Volumes and every image of the services too"},
    {"images", 0, OPTION_FLAG, NULL, "Images that were built here too"},
    {"volumes", 'v', OPTION_FLAG, NULL, "Volumes too: their data is lost"},
    {"yes", 'y', OPTION_FLAG, NULL, "Do not ask"},
    {NULL},
};

const struct cmd cmd_clean = {
    .name = "clean",
    .summary = "Remove what the project made, after saying what that is",
    .usage = "[OPTIONS]",
    .description = "Containers (also orphans and those of run) and networks go; volumes and images "
                   "only when asked for, and then a terminal is asked once more. --dry-run only "
                   "says what would go.",
    .examples = "fettle --dry-run clean -v # what would go\n"
                "fettle clean -v --images",
    .options = options,
    .group = GROUP_RUN,
    .run = run_clean,
};
