/*
 * From global options and environment to what a command works with.
 */
#include "cmd/context.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/str.h"

static int colour_of(const struct args *globals, enum colour_mode *ret, struct err *err)
{
    const char *text = args_text(globals, "ansi");
    *ret = COLOUR_AUTO;
    if (args_flag(globals, "no-ansi")) {
        *ret = COLOUR_NEVER;
        return 0;
    }
    if (!text) {
        text = getenv("COMPOSE_ANSI");
    }
    if (str_empty(text) || str_eq(text, "auto")) {
        return 0;
    }
    if (!str_eq(text, "never") && !str_eq(text, "always")) {
        err_set(err, ERR_USAGE, "COMPOSE_ANSI cannot be \"%s\"", text);
        err_hint(err, "choose one of never|always|auto");
        return -ERR_USAGE;
    }
    *ret = str_eq(text, "never") ? COLOUR_NEVER : COLOUR_ALWAYS;
    return 0;
}

static int progress_of(const struct args *globals, enum progress_choice *ret, struct err *err)
{
    static const char *const names[] = {"auto", "tty", "plain", "json", "quiet"};
    const char *text = args_text(globals, "progress");
    if (!text) {
        text = getenv("COMPOSE_PROGRESS");
    }
    *ret = PROGRESS_AUTO;
    if (str_empty(text)) {
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (str_eq(text, names[i])) {
            *ret = (enum progress_choice)i;
            return 0;
        }
    }
    err_set(err, ERR_USAGE, "COMPOSE_PROGRESS cannot be \"%s\"", text);
    err_hint(err, "choose one of auto|tty|plain|json|quiet");
    return -ERR_USAGE;
}

int context_options(struct cmd_context *ctx, struct err *err)
{
    enum colour_mode colour = COLOUR_AUTO;
    int rc = colour_of(ctx->globals, &colour, err);
    term_init(&ctx->out, STDOUT_FILENO, colour);
    term_init(&ctx->err, STDERR_FILENO, colour);
    if (colour == COLOUR_NEVER) {
        ctx->out.tty = ctx->err.tty = false;
    }
    rc = rc ? rc : progress_of(ctx->globals, &ctx->progress, err);
    ctx->dry_run = args_flag(ctx->globals, "dry-run");
    ctx->json = args_flag(ctx->globals, "json") ||
                str_eq(args_text(ctx->globals, "format"), "json");
    return rc;
}

int context_init(struct cmd_context *ctx, const struct args *globals, struct err *err)
{
    *ctx = (struct cmd_context){.globals = globals};
    return context_options(ctx, err);
}
