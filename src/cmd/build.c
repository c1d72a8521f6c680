/*
 * fettle build: the images of services that have a build section, side by side, by the same plan
 * and run as `up`.
 */
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"
#include "cmd/drive.h"

static bool named(const struct args *args, const char *service)
{
    for (size_t i = 0; i < args->argc; i++) {
        if (strcmp(args->argv[i], service) == 0) {
            return true;
        }
    }
    return args->argc == 0;
}

/* Narrows the plan to what can be built; says which of the named services cannot. */
static size_t choose(struct drive *d, const struct args *args)
{
    const struct project *p = d->project;
    const char **list = xcalloc(p->service_count + 1, sizeof(*list));
    bool deps = args_flag(args, "with-dependencies");
    size_t count = 0;
    for (size_t i = 0; i < p->service_count; i++) {
        const struct service *s = &p->services[i];
        if (s->build && (named(args, s->name) || deps)) {
            list[count++] = s->name;
        } else if (args->argc && named(args, s->name)) {
            show_warning(d->ctx, "%s is skipped: it has no build section", s->name);
        }
    }
    free(d->services);
    d->services = list;
    d->plan.services = list;
    d->plan.service_count = count;
    return count;
}

/* "K" alone: the project's value, else ours; without any the Dockerfile's own counts. */
static const char *value_of(const struct project *p, const char *name)
{
    const char *value = p ? key_values_get(&p->environment, name, NULL) : NULL;
    return value ? value : getenv(name);
}

static int read_options(const struct args *args, const struct project *p, struct build_options *o,
                        struct key_values *kv, struct arena *arena, struct err *err)
{
    const struct vec *given = args_list(args, "build-arg");
    const char *memory = args_text(args, "memory");
    kv->items = arena_array(arena, given->len + 1, sizeof(*kv->items));
    for (size_t i = 0; i < given->len; i++) {
        const char *text = given->items[i], *eq = strchr(text, '=');
        const char *name = eq ? arena_strndup(arena, text, (size_t)(eq - text)) : text;
        const char *value = eq ? eq + 1 : value_of(p, name);
        if (value) {
            kv->items[kv->count++] = (struct key_value){name, value};
        }
    }
    *o = (struct build_options){
        .no_cache = args_flag(args, "no-cache"), .pull = args_flag(args, "pull"), .args = kv};
    if (memory && parse_bytes(memory, &o->memory, err)) {
        err_prefix(err, "--memory");
        err->code = ERR_USAGE;
        return -ERR_USAGE;
    }
    return 0;
}

static int run_build(struct cmd_context *ctx, const struct args *args, struct err *err)
{
    struct drive d = {0};
    struct build_options build = {0};
    struct key_values given = {0};
    struct arena arena;
    int rc = 0;
    arena_init(&arena);
    if (args_flag(args, "quiet")) {
        ctx->progress = PROGRESS_QUIET;
    }
    rc = drive_open(&d, ctx, args, DRIVE_NEEDS_FILES | DRIVE_IMAGES | DRIVE_SERVICES_FROM_ARGS,
                    err);
    rc = rc ? rc : read_options(args, d.project, &build, &given, &arena, err);
    if (rc == 0 && choose(&d, args)) {
        d.plan.flags = PLAN_BUILD | PLAN_NO_DEPS;
        d.run.flags = RUN_KEEP_GOING;
        d.run.build = &build;
        rc = drive_walk(&d, plan_images, err);
    } else if (rc == 0) {
        show_warning(ctx, "No services to build");
    }
    drive_release(&d);
    arena_release(&arena);
    return rc;
}

#define CLASSIC "the engine's classic builder has no such thing; use docker buildx build"

static const struct option options[] = {
    {"build-arg", 0, OPTION_LIST, "K=V", "Set a build argument"},
    {"builder", 0, OPTION_TEXT, "NAME", "Builder to use", .bits = OPTION_HIDDEN | OPTION_REFUSED,
     .note = CLASSIC},
    {"check", 0, OPTION_FLAG, NULL, "Check only", .bits = OPTION_HIDDEN | OPTION_REFUSED,
     .note = CLASSIC},
    {"compress", 0, OPTION_FLAG, NULL, "No effect", .bits = OPTION_HIDDEN | OPTION_DEPRECATED,
     .note = "it has no effect"},
    {"force-rm", 0, OPTION_FLAG, NULL, "No effect", .bits = OPTION_HIDDEN | OPTION_DEPRECATED,
     .note = "it is the default"},
    {"memory", 'm', OPTION_TEXT, "BYTES", "Memory that build containers may use"},
    {"no-cache", 0, OPTION_FLAG, NULL, "Run every step anew"},
    {"no-rm", 0, OPTION_FLAG, NULL, "No effect", .bits = OPTION_HIDDEN | OPTION_DEPRECATED,
     .note = "it has no effect"},
    {"parallel", 0, OPTION_FLAG, NULL, "No effect", .bits = OPTION_HIDDEN | OPTION_DEPRECATED,
     .note = "builds are always parallel"},
    {"print", 0, OPTION_FLAG, NULL, "Print the bake file", .bits = OPTION_HIDDEN | OPTION_REFUSED,
     .note = CLASSIC},
    {"provenance", 0, OPTION_TEXT, "MODE", "Attestation", .bits = OPTION_HIDDEN | OPTION_REFUSED,
     .note = CLASSIC},
    {"pull", 0, OPTION_FLAG, NULL, "Fetch newer base images"},
    {"push", 0, OPTION_FLAG, NULL, "Push images", .bits = OPTION_HIDDEN | OPTION_REFUSED,
     .note = "not yet; docker push does it"},
    {"quiet", 'q', OPTION_FLAG, NULL, "Show problems only"},
    {"sbom", 0, OPTION_TEXT, "MODE", "Attestation", .bits = OPTION_HIDDEN | OPTION_REFUSED,
     .note = CLASSIC},
    {"ssh", 0, OPTION_TEXT, "KEYS", "SSH agent or keys", .bits = OPTION_HIDDEN | OPTION_REFUSED,
     .note = CLASSIC},
    {"with-dependencies", 0, OPTION_FLAG, NULL,
     "Also what the named services depend on, and can be built"},
    {NULL},
};

const struct cmd cmd_build = {
    .name = "build",
    .summary = "Build the images of services",
    .usage = "[OPTIONS] [SERVICE...]",
    .description = "Every service with a build section, or the named ones, side by side; an image "
                   "that several services share is built once. The engine's own builder does it, "
                   "with its cache; .dockerignore counts.",
    .examples = "fettle build\nfettle build --no-cache backend",
    .options = options,
    .max_args = -1,
    .group = GROUP_IMAGES,
    .completes = COMPLETE_SERVICE,
    .run = run_build,
};
