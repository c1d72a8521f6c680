/*
 * fettle up, create, scale: what does not exist is made, what changed is made anew, and every
 * service is proved ready before its dependents start.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/parse.h"
#include "base/str.h"
#include "cmd/drive.h"
#include "cmd/foreground.h"

static unsigned flag(const struct args *args, const char *name, unsigned bit)
{
    return args_flag(args, name) ? bit : 0;
}

/* "web=3" */
static int read_scale(const char *text, struct plan_scale *ret, char **name, struct err *err)
{
    const char *eq = strchr(text, '=');
    int64_t n = 0;
    if (!eq || eq == text || parse_int(eq + 1, 0, 10000, &n, NULL)) {
        err_set(err, ERR_USAGE, "'%s' is no scale", text);
        err_hint(err, "SERVICE=NUMBER, for example web=3");
        return -ERR_USAGE;
    }
    *name = xstrndup(text, (size_t)(eq - text));
    *ret = (struct plan_scale){*name, (int)n};
    return 0;
}

struct scales {
    struct plan_scale *items;
    struct strv names;
    size_t count;
};

static int add_scale(struct scales *s, const char *text, struct err *err)
{
    char *name = NULL;
    s->items = xreallocarray(s->items, s->count + 1, sizeof(*s->items));
    int rc = read_scale(text, &s->items[s->count], &name, err);
    if (!rc) {
        strv_take(&s->names, name);
        s->count++;
    }
    return rc;
}

static int read_scales(const struct vec *list, struct scales *s, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < list->len; i++) {
        rc = add_scale(s, list->items[i], err);
    }
    return rc;
}

static void release_scales(struct scales *s)
{
    free(s->items);
    strv_release(&s->names);
}

static unsigned orphan_flags(const struct args *args)
{
    return (drive_removes_orphans(args) ? PLAN_REMOVE_ORPHANS : 0) |
           (drive_env("COMPOSE_IGNORE_ORPHANS") ? PLAN_IGNORE_ORPHANS : 0);
}

/* Containers that exist need their new image first: then what changed is known. */
static int images_first(struct drive *d, struct err *err)
{
    struct plan probe = {0};
    int rc = plan_up(d->project, &d->observed, &d->plan, &probe, err);
    bool first = !rc && plan_images_first(&probe);
    plan_release(&probe);
    if (rc || !first || d->ctx->dry_run) {
        return rc;
    }
    rc = drive_walk(d, plan_images, err);
    rc = rc ? rc : drive_observe(d, DRIVE_IMAGES, err);
    d->plan.flags |= PLAN_IMAGES_DONE;
    return rc;
}

static int walk_up(struct drive *d, struct err *err)
{
    int rc = images_first(d, err);
    return rc ? rc : drive_walk(d, plan_up, err);
}

static void read_flags(struct drive *d, const struct args *args)
{
    d->plan.flags |= flag(args, "no-deps", PLAN_NO_DEPS) |
                     flag(args, "force-recreate", PLAN_FORCE_RECREATE) |
                     flag(args, "no-recreate", PLAN_NO_RECREATE) |
                     flag(args, "always-recreate-deps", PLAN_RECREATE_DEPS) |
                     flag(args, "renew-anon-volumes", PLAN_RENEW_VOLUMES) |
                     flag(args, "build", PLAN_BUILD) | flag(args, "no-build", PLAN_NO_BUILD) |
                     flag(args, "no-start", PLAN_NO_START) | flag(args, "yes", PLAN_YES) |
                     orphan_flags(args);
    d->run.stop_timeout = drive_timeout(args);
    d->run.flags |= flag(args, "quiet-pull", RUN_QUIET_PULL) |
                    flag(args, "quiet-build", RUN_QUIET_BUILD);
}

static int check_flags(const struct args *args, struct err *err)
{
    static const char *const apart[][2] = {{"force-recreate", "no-recreate"},
                                           {"build", "no-build"},
                                           {"wait", "no-wait"},
                                           {"detach", "abort-on-container-exit"},
                                           {"detach", "abort-on-container-failure"},
                                           {"detach", "exit-code-from"},
                                           {"wait", "abort-on-container-exit"}};
    for (size_t i = 0; i < ARRAY_LEN(apart); i++) {
        if (args_set(args, apart[i][0]) && args_set(args, apart[i][1])) {
            err_set(err, ERR_USAGE, "--%s and --%s exclude each other", apart[i][0], apart[i][1]);
            err_hint(err, "leave one of them out");
            return -ERR_USAGE;
        }
    }
    return 0;
}

static int run_up(struct cmd_context *ctx, const struct args *args, struct err *err)
{
    struct drive d;
    struct scales scales = {0};
    bool detached = args_flag(args, "detach") || args_flag(args, "wait") ||
                    args_flag(args, "no-start") || ctx->dry_run;
    int64_t wait = args_number(args, "wait-timeout", 0);
    int rc = check_flags(args, err);
    rc = rc ? rc : read_scales(args_list(args, "scale"), &scales, err);
    if (rc) {
        release_scales(&scales);
        return rc;
    }
    rc = drive_open(&d, ctx, args,
                    DRIVE_NEEDS_FILES | DRIVE_IMAGES | DRIVE_SERVICES_FROM_ARGS |
                        flag(args, "no-deps", DRIVE_NO_DEPS),
                    err);
    if (!rc) {
        read_flags(&d, args);
        d.plan.scales = scales.items;
        d.plan.scale_count = scales.count;
        d.plan.flags |= args_flag(args, "no-wait") ? 0 : PLAN_PROVE_ALL;
        d.run.deadline = wait > 0 ? clock_add(clock_mono(), wait * NS_PER_SEC) : CLOCK_NEVER;
        d.plan.pull = drive_pull(args);
    }
    if (!rc && detached) {
        rc = walk_up(&d, err);
        drive_summary(&d, rc == 0);
    } else if (!rc) {
        rc = images_first(&d, err);
        rc = rc ? rc : foreground_up(&d, args, err);
    }
    drive_release(&d);
    release_scales(&scales);
    return rc;
}

#define PULL_OPTION                                                       \
    {                                                                     \
        "pull", 0, OPTION_TEXT, "POLICY",                                 \
            "Pull before running: always, missing, never, build, policy", \
            .choices = "always missing if_not_present never build policy" \
    }
#define SCALE_OPTION                                                                 \
    {                                                                                \
        "scale", 0, OPTION_LIST, "SERVICE=NUM", "Number of containers of a service", \
            .completes = COMPLETE_SERVICE                                            \
    }

static const struct option up_options[] = {
    {"abort-on-container-exit", 0, OPTION_FLAG, NULL, "Stop everything when any container stops"},
    {"abort-on-container-failure", 0, OPTION_FLAG, NULL,
     "Stop everything when any container fails"},
    {"always-recreate-deps", 0, OPTION_FLAG, NULL, "Recreate dependencies too"},
    {"attach", 0, OPTION_LIST, "SERVICE", "Show the output of these services only",
     .completes = COMPLETE_SERVICE},
    {"attach-dependencies", 0, OPTION_FLAG, NULL, "Show the output of dependencies too"},
    {"build", 0, OPTION_FLAG, NULL, "Build images before starting"},
    {"detach", 'd', OPTION_FLAG, NULL, "Return when everything is proved ready"},
    {"exit-code-from", 0, OPTION_TEXT, "SERVICE",
     "Return this service's exit status, stop the others", .completes = COMPLETE_SERVICE},
    {"force-recreate", 0, OPTION_FLAG, NULL, "Recreate containers even if nothing changed"},
    {"menu", 0, OPTION_FLAG, NULL, "Accepted for Compose; there is no menu", .bits = OPTION_HIDDEN},
    {"no-attach", 0, OPTION_LIST, "SERVICE", "Do not show the output of these services",
     .completes = COMPLETE_SERVICE},
    {"no-build", 0, OPTION_FLAG, NULL, "Do not build, even if an image is missing"},
    {"no-color", 0, OPTION_FLAG, NULL, "No colours in log lines"},
    {"no-deps", 0, OPTION_FLAG, NULL, "Do not start dependencies"},
    {"no-log-prefix", 0, OPTION_FLAG, NULL, "No service name before log lines"},
    {"no-recreate", 0, OPTION_FLAG, NULL, "Leave existing containers as they are"},
    {"no-start", 0, OPTION_FLAG, NULL, "Create only"},
    {"no-wait", 0, OPTION_FLAG, NULL, "With -d: return when everything is started, proved or not"},
    PULL_OPTION,
    {"quiet-build", 0, OPTION_FLAG, NULL, "Do not show build output"},
    {"quiet-pull", 0, OPTION_FLAG, NULL, "Do not show pull progress"},
    {"remove-orphans", 0, OPTION_FLAG, NULL, "Remove containers of services that are in no file"},
    {"renew-anon-volumes", 'V', OPTION_FLAG, NULL, "New anonymous volumes instead of the old ones"},
    SCALE_OPTION,
    {"timeout", 't', OPTION_NUMBER, "SECONDS", "Grace period when containers are stopped"},
    {"timestamps", 0, OPTION_FLAG, NULL, "Show times of log lines"},
    {"wait", 0, OPTION_FLAG, NULL, "Same as -d: fettle always waits for proof"},
    {"wait-timeout", 0, OPTION_NUMBER, "SECONDS", "Give up after that time"},
    {"watch", 'w', OPTION_FLAG, NULL, "Rebuild and refresh on changes", .bits = OPTION_REFUSED,
     .note = "watch is not built yet"},
    {"yes", 'y', OPTION_FLAG, NULL, "Answer questions with yes"},
    {NULL},
};

const struct cmd cmd_up = {
    .name = "up",
    .summary = "Create, start and prove the stack",
    .usage = "[OPTIONS] [SERVICE...]",
    .description =
        "Creates what is missing, makes anew what changed, starts every service the moment its "
        "dependencies are proved ready, and proves it in turn. What exists and is unchanged is "
        "left "
        "alone. Ends with the addresses, the time to ready and the critical path.\n\n"
        "Without -d it stays in the foreground and shows the output of the containers; Ctrl-C "
        "stops "
        "them in order, a second one kills them.",
    .examples = "fettle up -d                # start and return when all is proved\n"
                "fettle up -d --build web    # build and start web and its dependencies\n"
                "fettle up --scale worker=3  # in the foreground, three workers",
    .options = up_options,
    .max_args = -1,
    .group = GROUP_RUN,
    .completes = COMPLETE_SERVICE,
    .run = run_up,
};

/* --- create --- */

static int run_create(struct cmd_context *ctx, const struct args *args, struct err *err)
{
    struct drive d;
    struct scales scales = {0};
    int rc = read_scales(args_list(args, "scale"), &scales, err);
    if (rc) {
        release_scales(&scales);
        return rc;
    }
    rc = drive_open(&d, ctx, args,
                    DRIVE_NEEDS_FILES | DRIVE_IMAGES | DRIVE_SERVICES_FROM_ARGS |
                        flag(args, "no-deps", DRIVE_NO_DEPS),
                    err);
    if (!rc) {
        read_flags(&d, args);
        d.plan.flags |= PLAN_NO_START;
        d.plan.scales = scales.items;
        d.plan.scale_count = scales.count;
        d.plan.pull = drive_pull(args);
    }
    rc = rc ? rc : walk_up(&d, err);
    drive_release(&d);
    release_scales(&scales);
    return rc;
}

static const struct option create_options[] = {
    {"build", 0, OPTION_FLAG, NULL, "Build images first"},
    {"force-recreate", 0, OPTION_FLAG, NULL, "Recreate containers even if nothing changed"},
    {"no-build", 0, OPTION_FLAG, NULL, "Do not build, even if an image is missing"},
    {"no-recreate", 0, OPTION_FLAG, NULL, "Leave existing containers as they are"},
    PULL_OPTION,
    {"quiet-build", 0, OPTION_FLAG, NULL, "Do not show build output", .bits = OPTION_HIDDEN},
    {"quiet-pull", 0, OPTION_FLAG, NULL, "Do not show pull progress"},
    {"remove-orphans", 0, OPTION_FLAG, NULL, "Remove containers of services that are in no file"},
    SCALE_OPTION,
    {"always-recreate-deps", 0, OPTION_FLAG, NULL, "Recreate dependencies too",
     .bits = OPTION_HIDDEN},
    {"no-deps", 0, OPTION_FLAG, NULL, "Do not create dependencies", .bits = OPTION_HIDDEN},
    {"no-start", 0, OPTION_FLAG, NULL, "Create only", .bits = OPTION_HIDDEN},
    {"renew-anon-volumes", 'V', OPTION_FLAG, NULL, "New anonymous volumes", .bits = OPTION_HIDDEN},
    {"timeout", 't', OPTION_NUMBER, "SECONDS", "Grace period", .bits = OPTION_HIDDEN},
    {"yes", 'y', OPTION_FLAG, NULL, "Answer questions with yes"},
    {NULL},
};

const struct cmd cmd_create = {
    .name = "create",
    .summary = "Create containers without starting them",
    .usage = "[OPTIONS] [SERVICE...]",
    .description = "Networks, volumes and images too, where they are missing. fettle start goes on "
                   "from there.",
    .options = create_options,
    .max_args = -1,
    .group = GROUP_RUN,
    .completes = COMPLETE_SERVICE,
    .run = run_create,
};

/* --- scale --- */

static int run_scale(struct cmd_context *ctx, const struct args *args, struct err *err)
{
    struct drive d;
    struct scales scales = {0};
    int rc = 0;
    for (size_t i = 0; !rc && i < args->argc; i++) {
        rc = add_scale(&scales, args->argv[i], err);
    }
    if (rc) {
        release_scales(&scales);
        return rc;
    }
    rc = drive_open(&d, ctx, args, DRIVE_NEEDS_FILES | DRIVE_IMAGES, err);
    if (!rc) {
        d.plan.scales = scales.items;
        d.plan.scale_count = scales.count;
        d.plan.services = (const char *const *)scales.names.items;
        d.plan.service_count = scales.names.len;
        d.plan.flags = PLAN_NO_RECREATE | PLAN_PROVE_ALL | flag(args, "no-deps", PLAN_NO_DEPS);
        rc = walk_up(&d, err);
    }
    drive_release(&d);
    release_scales(&scales);
    return rc;
}

static const struct option scale_options[] = {
    {"no-deps", 0, OPTION_FLAG, NULL, "Do not start dependencies"},
    {NULL},
};

const struct cmd cmd_scale = {
    .name = "scale",
    .summary = "Set the number of containers of services",
    .usage = "[OPTIONS] SERVICE=NUM...",
    .examples = "fettle scale worker=3",
    .options = scale_options,
    .min_args = 1,
    .max_args = -1,
    .group = GROUP_RUN,
    .run = run_scale,
};
