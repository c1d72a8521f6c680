/*
 * fettle help [COMMAND]: from the tables.
 */
#include <unistd.h>

#include "base/str.h"
#include "cmd/args.h"
#include "cmd/context.h"
#include "cmd/helptext.h"

static int run_help(struct cmd_context *ctx, const struct args *args, struct err *err)
{
    CLEANUP_BUF struct buf b = BUF_INIT;
    const struct cmd *cmd = NULL;
    if (args->argc == 0) {
        help_program(&b, ctx->out.colour, help_width(&ctx->out));
        show_buf(STDOUT_FILENO, &b);
        return 0;
    }
    cmd = cmd_find(args->argv[0]);
    if (!cmd) {
        return cmd_unknown(args->argv[0], err);
    }
    if (args_flag(args, "markdown")) {
        help_markdown(&b, cmd);
    } else {
        help_command(&b, ctx->out.colour, help_width(&ctx->out), cmd);
    }
    show_buf(STDOUT_FILENO, &b);
    return 0;
}

static const struct option options[] = {
    {"markdown", 0, OPTION_FLAG, NULL, "As the tables of docs/cmd", .bits = OPTION_HIDDEN},
    {NULL},
};

const struct cmd cmd_help = {
    .name = "help",
    .summary = "Help about any command",
    .usage = "[COMMAND]",
    .options = options,
    .max_args = 1,
    .group = GROUP_TOOLS,
    .completes = COMPLETE_COMMAND,
    .run = run_help,
};
