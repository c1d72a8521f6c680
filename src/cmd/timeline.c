/*
 * fettle timeline: how long the last start took, part by part; as text, JSON or SVG.
 */
#include <unistd.h>

#include "base/path.h"
#include "base/str.h"
#include "cmd/format.h"
#include "cmd/state.h"
#include "ui/progress.h"
#include "ui/waterfall.h"
#include "view/timeline.h"

static int run_timeline(struct cmd_context *ctx, const struct args *args, struct err *err)
{
    struct timeline t = {0};
    const char *name = NULL, *svg = args_text(args, "svg");
    CLEANUP_BUF struct buf b = BUF_INIT;
    int rc = context_name(ctx, &name, err);
    rc = rc ? rc : state_load_timeline(name, &t, err);
    if (rc == 0 && svg) {
        waterfall_svg(&b, &t);
        if (str_eq(svg, "-")) {
            show_buf(STDOUT_FILENO, &b);
        } else {
            rc = path_write_file(svg, buf_text(&b), b.len, 0644, err);
        }
    } else if (rc == 0 && ctx->json) {
        format_json_line(&b, view_timeline(&t));
        show_buf(STDOUT_FILENO, &b);
    } else if (rc == 0) {
        waterfall_text(&b, ctx->out.colour, progress_env_utf8(),
                       ctx->out.tty ? ctx->out.columns : 120, &t);
        show_buf(STDOUT_FILENO, &b);
    }
    timeline_release(&t);
    return rc;
}

static const struct option options[] = {
    {"svg", 0, OPTION_TEXT, "FILE", "Draw it as SVG into FILE; - is standard output",
     .completes = COMPLETE_FILE},
    {NULL},
};

const struct cmd cmd_timeline = {
    .name = "timeline",
    .summary = "Show how long the last start took, and what decided it",
    .usage = "[OPTIONS]",
    .description =
        "One row for each container: creating it, waiting for what it depends on, the "
        "engine's start call, its own boot until it was proved. The critical path is the "
        "chain that decided the time.",
    .examples = "fettle timeline\n"
                "fettle timeline --svg start.svg # as a picture",
    .options = options,
    .group = GROUP_LOOK,
    .run = run_timeline,
};
