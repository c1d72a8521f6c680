/*
 * fettle man: the man page, made from the tables. `fettle man | man -l -` shows it.
 */
#include <unistd.h>

#include "cmd/args.h"
#include "cmd/context.h"
#include "cmd/helptext.h"

static int run_man(struct cmd_context *ctx UNUSED, const struct args *args UNUSED,
                   struct err *err UNUSED)
{
    CLEANUP_BUF struct buf b = BUF_INIT;
    help_man(&b);
    show_buf(STDOUT_FILENO, &b);
    return 0;
}

const struct cmd cmd_man = {
    .name = "man",
    .summary = "Print the man page",
    .usage = "",
    .examples = "fettle man | man -l - # read it",
    .group = GROUP_TOOLS,
    .run = run_man,
};
