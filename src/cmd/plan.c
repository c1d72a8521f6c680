/*
 * fettle plan: what `up` (or `down`) would do, step by step, and why. Changes nothing.
 */
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "cmd/format.h"
#include "engine/observe.h"
#include "model/project.h"
#include "plan/plan.h"
#include "view/plan.h"

static unsigned flags_of(const struct args *args)
{
    static const struct {
        const char *name;
        unsigned bit;
    } rows[] = {{"build", PLAN_BUILD},
                {"force-recreate", PLAN_FORCE_RECREATE},
                {"no-deps", PLAN_NO_DEPS},
                {"no-recreate", PLAN_NO_RECREATE},
                {"remove-orphans", PLAN_REMOVE_ORPHANS},
                {"volumes", PLAN_VOLUMES}};
    unsigned flags = args_flag(args, "down") ? 0 : PLAN_PROVE_ALL;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        flags |= args_flag(args, rows[i].name) ? rows[i].bit : 0;
    }
    return flags;
}

static int run_plan(struct cmd_context *ctx, const struct args *args, struct err *err)
{
    struct project *p = NULL;
    struct engine *engine = NULL;
    struct observed o = {0};
    struct plan plan = {0};
    struct plan_options options = {.flags = flags_of(args),
                                   .services = args->argv,
                                   .service_count = args->argc,
                                   .now = clock_wall()};
    CLEANUP_BUF struct buf b = BUF_INIT;
    int rc = context_project(ctx, 0, args->argv, args->argc, &p, err);
    rc = rc ? rc : context_engine(ctx, &engine, err);
    if (rc) {
        return rc;
    }
    observe_start(engine, p->name, p, OBSERVE_ALL, &o, context_done, ctx);
    rc = context_wait(ctx, err);
    if (rc == 0) {
        rc = args_flag(args, "down") ? plan_down(p, &o, &options, &plan, err)
                                     : plan_up(p, &o, &options, &plan, err);
    }
    if (rc == 0 && ctx->json) {
        format_json_line(&b, view_plan(&plan));
    } else if (rc == 0) {
        view_plan_text(&plan, &b);
    }
    show_buf(STDOUT_FILENO, &b);
    plan_release(&plan);
    observed_release(&o);
    return rc;
}

static const struct option options[] = {
    {"build", 0, OPTION_FLAG, NULL, "As with up --build"},
    {"down", 0, OPTION_FLAG, NULL, "What down would do"},
    {"force-recreate", 0, OPTION_FLAG, NULL, "As with up --force-recreate"},
    {"no-deps", 0, OPTION_FLAG, NULL, "Only the named services"},
    {"no-recreate", 0, OPTION_FLAG, NULL, "As with up --no-recreate"},
    {"remove-orphans", 0, OPTION_FLAG, NULL, "As with up --remove-orphans"},
    {"volumes", 'v', OPTION_FLAG, NULL, "As with down -v"},
    {NULL},
};

const struct cmd cmd_plan = {
    .name = "plan",
    .summary = "Show what up would do, step by step, and why",
    .usage = "[OPTIONS] [SERVICE...]",
    .description =
        "Reads the files, looks at the engine, and changes nothing. Numbers in brackets are "
        "the steps that have to be done before.",
    .examples = "fettle plan\n"
                "fettle plan --down -v # what down -v would remove",
    .options = options,
    .max_args = -1,
    .group = GROUP_LOOK,
    .completes = COMPLETE_SERVICE,
    .run = run_plan,
};
