/*
 * The program: options before the command, the command's options, run, exit status.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "cmd/args.h"
#include "cmd/context.h"
#include "cmd/helptext.h"

static void see_help(struct err *err, const struct cmd *cmd)
{
    const char *name = cmd ? cmd->name : "";
    if (err->code != ERR_USAGE) {
        return;
    }
    if (err->hint[0]) {
        char old[sizeof(err->hint)];
        memcpy(old, err->hint, sizeof(old));
        err_hint(err, "%.200s (fettle %s%s--help shows all)", old, name, cmd ? " " : "");
    } else {
        err_hint(err, "fettle %s%s--help shows what there is", name, cmd ? " " : "");
    }
}

static int check_count(const struct cmd *cmd, const struct args *args, struct err *err)
{
    if ((int)args->argc < cmd->min_args) {
        return err_set(err, ERR_USAGE, "fettle %s needs %s: fettle %s %s", cmd->name,
                       cmd->min_args == 1 ? "an argument" : "more arguments", cmd->name,
                       cmd->usage);
    }
    if (cmd->max_args >= 0 && (int)args->argc > cmd->max_args) {
        return err_set(err, ERR_USAGE, "fettle %s does not take \"%s\"", cmd->name,
                       args->argv[cmd->max_args]);
    }
    return 0;
}

static int check_format(struct cmd_context *ctx, const struct args *args, struct err *err)
{
    const char *format = args_text(args, "format");
    ctx->json = args_flag(args, "json") || str_eq(format, "json");
    for (size_t i = 0; i < args->option_count; i++) {
        if (str_eq(args->options[i].name, "format")) {
            return 0; /* the command checks its own */
        }
    }
    if (format && !str_eq(format, "json") && !str_eq(format, "text") && !str_eq(format, "pretty")) {
        return err_set(err, ERR_USAGE, "--format is text or json, not \"%s\"", format);
    }
    return 0;
}

static int run_command(struct cmd_context *ctx, const struct cmd *cmd, struct args *args, int argc,
                       char *const *argv, struct err *err)
{
    CLEANUP_BUF struct buf b = BUF_INIT;
    int rc = args_parse(args, argc, argv, (cmd->bits & CMD_STOP_AT_ARGUMENT) != 0, err);
    if (args->help) {
        help_command(&b, ctx->out.colour, help_width(&ctx->out), cmd);
        show_buf(STDOUT_FILENO, &b);
        return 0;
    }
    rc = rc ? rc : check_count(cmd, args, err);
    rc = rc ? rc : context_options(ctx, err);
    rc = rc ? rc : check_format(ctx, args, err);
    if (rc) {
        return rc;
    }
    for (size_t i = 0; i < args->warnings.len; i++) {
        show_warning(ctx, "%s", args->warnings.items[i]);
    }
    return cmd->run(ctx, args, err);
}

static int run_program(struct cmd_context *ctx, struct args *globals, int argc, char *const *argv,
                       struct err *err)
{
    CLEANUP_BUF struct buf b = BUF_INIT;
    const struct cmd *cmd = NULL;
    struct args args = {0};
    int rc = args_parse(globals, argc - 1, argv + 1, true, err);
    int rc_context = context_init(ctx, globals, rc ? NULL : err);
    rc = rc ? rc : rc_context;
    if (rc) {
        return rc;
    }
    for (size_t i = 0; i < globals->warnings.len; i++) {
        show_warning(ctx, "%s", globals->warnings.items[i]);
    }
    if (globals->argc == 0 && args_flag(globals, "version")) {
        cmd = cmd_find("version");
    } else if (globals->argc == 0) {
        help_program(&b, ctx->out.colour, help_width(&ctx->out));
        show_buf(STDOUT_FILENO, &b);
        return 0;
    } else {
        cmd = cmd_find(globals->argv[0]);
    }
    if (!cmd) {
        return cmd_unknown(globals->argv[0], err);
    }
    ctx->cmd = cmd;
    args_init(&args, cmd->options, globals);
    size_t used = globals->argc ? (size_t)argc - globals->argc + 1 : (size_t)argc;
    rc = globals->help ? 0 : run_command(ctx, cmd, &args, argc - (int)used, argv + used, err);
    if (globals->help) {
        help_command(&b, ctx->out.colour, help_width(&ctx->out), cmd);
        show_buf(STDOUT_FILENO, &b);
    }
    args_release(&args);
    return rc;
}

int main(int argc, char **argv)
{
    struct cmd_context ctx = {0};
    struct args globals = {0};
    struct err err = {0};
    signal(SIGPIPE, SIG_IGN);
    args_init(&globals, cmd_global_options, NULL);
    int rc = run_program(&ctx, &globals, argc, argv, &err);
    if (rc < 0) {
        if (!ctx.told) {
            see_help(&err, ctx.cmd);
            show_error(&ctx, &err);
        }
        rc = err_exit_status((enum err_code) - rc);
    }
    context_release(&ctx);
    args_release(&globals);
    if (fflush(stdout) && rc == 0) {
        rc = 1;
    }
    return rc;
}
