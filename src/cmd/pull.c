/*
 * fettle pull: the images of services, side by side, by the same plan and run as `up`.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/str.h"
#include "cmd/drive.h"

/* "missing", "always", "never", "if_not_present": --policy; nothing said = always. */
static int read_policy(const struct args *args, enum pull_override *ret, struct err *err)
{
    const char *policy = args_text(args, "policy");
    *ret = PULL_OVERRIDE_ALWAYS;
    if (str_eq(policy, "missing") || str_eq(policy, "if_not_present")) {
        *ret = PULL_OVERRIDE_MISSING;
    } else if (policy && !str_eq(policy, "always")) {
        err_set(err, ERR_USAGE, "--policy cannot be \"%s\"", policy);
        err_hint(err, "choose one of missing|always");
        return -ERR_USAGE;
    }
    return 0;
}

static bool pullable(const struct service *s, const struct args *args)
{
    return s->image && !s->provider_type &&
           (!s->build || (s->image_set && !args_flag(args, "ignore-buildable")));
}

static bool named(const struct drive *d, const char *service)
{
    for (size_t i = 0; i < d->plan.service_count; i++) {
        if (str_eq(d->plan.services[i], service)) {
            return true;
        }
    }
    return d->plan.service_count == 0;
}

/* Narrows the plan to services that have something to pull; says which have not. */
static size_t choose(struct drive *d, const struct args *args)
{
    const struct project *p = d->project;
    const char **list = xcalloc(p->service_count + 1, sizeof(*list));
    size_t count = 0;
    bool deps = args_flag(args, "include-deps");
    for (size_t i = 0; i < p->service_count; i++) {
        const struct service *s = &p->services[i];
        if (!named(d, s->name) && !deps) {
            continue;
        }
        if (pullable(s, args)) {
            list[count++] = s->name;
        } else if (named(d, s->name)) {
            show_warning(d->ctx, "%s is skipped: %s", s->name,
                         s->build ? "its image is built here" : "it has no image");
        }
    }
    free(d->services);
    d->services = list;
    d->plan.services = list;
    d->plan.service_count = count;
    return count;
}

static int run_pull(struct cmd_context *ctx, const struct args *args, struct err *err)
{
    struct drive d = {0};
    enum pull_override policy = PULL_OVERRIDE_ALWAYS;
    int rc = read_policy(args, &policy, err);
    if (rc) {
        return rc;
    }
    if (args_flag(args, "quiet")) {
        ctx->progress = PROGRESS_QUIET;
    }
    rc = drive_open(&d, ctx, args, DRIVE_NEEDS_FILES | DRIVE_IMAGES | DRIVE_SERVICES_FROM_ARGS,
                    err);
    if (rc == 0 && choose(&d, args)) {
        d.plan.flags = PLAN_NO_BUILD | PLAN_NO_DEPS;
        d.plan.pull = policy;
        d.run.flags = RUN_KEEP_GOING | (args_flag(args, "quiet") ? RUN_QUIET_PULL : 0);
        rc = drive_walk(&d, plan_images, err);
        if (rc == 0 && !d.last.step_count && !ctx->dry_run && !args_flag(args, "quiet")) {
            show_warning(ctx, "every image is there already");
        }
    }
    if (rc < 0 && rc != -ERR_CANCELLED && args_flag(args, "ignore-pull-failures")) {
        rc = 0;
    }
    drive_release(&d);
    return rc;
}

static const struct option options[] = {
    {"ignore-buildable", 0, OPTION_FLAG, NULL, "Leave out images that can be built"},
    {"ignore-pull-failures", 0, OPTION_FLAG, NULL, "Go on, and end with 0, when a pull fails"},
    {"include-deps", 0, OPTION_FLAG, NULL, "Also the services that the named ones depend on"},
    {"no-parallel", 0, OPTION_FLAG, NULL, "No effect", .bits = OPTION_HIDDEN | OPTION_DEPRECATED,
     .note = "use --parallel 1 before the command"},
    {"parallel", 0, OPTION_FLAG, NULL, "No effect", .bits = OPTION_HIDDEN | OPTION_DEPRECATED,
     .note = "pulls are always parallel"},
    {"policy", 0, OPTION_TEXT, "WHEN", "missing or always"},
    {"quiet", 'q', OPTION_FLAG, NULL, "Show no progress"},
    {NULL},
};

const struct cmd cmd_pull = {
    .name = "pull",
    .summary = "Pull images of services",
    .usage = "[OPTIONS] [SERVICE...]",
    .examples = "fettle pull --ignore-buildable   # not those that build makes",
    .options = options,
    .max_args = -1,
    .group = GROUP_IMAGES,
    .completes = COMPLETE_SERVICE,
    .run = run_pull,
};
