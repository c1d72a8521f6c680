/*
 * fettle version: the program, the Compose level it follows, the engine and why that one.
 */
#include <jansson.h>
#include <stdlib.h>

#include "base/str.h"
#include "cmd/args.h"
#include "cmd/context.h"

static int run_version(struct cmd_context *ctx, const struct args *args, struct err *err UNUSED)
{
    if (args_flag(args, "short")) {
        show_text("%s\n", COMPOSE_LEVEL);
        return 0;
    }
    if (ctx->json) {
        show_text("{\"version\":\"v%s\",\"fettle\":\"%s\"}\n", COMPOSE_LEVEL, FETTLE_VERSION);
        return 0;
    }
    show_text("fettle %s (Docker Compose version v%s)\n", FETTLE_VERSION, COMPOSE_LEVEL);
    return 0;
}

static const struct option options[] = {
    {"format", 'f', OPTION_TEXT, "FORMAT", "pretty or json", .choices = "pretty json text"},
    {"short", 0, OPTION_FLAG, NULL, "Only the Compose version that is followed"},
    {NULL},
};

const struct cmd cmd_version = {
    .name = "version",
    .summary = "Show the version, and which engine is used and why",
    .usage = "[OPTIONS]",
    .description =
        "--short prints the Docker Compose release whose files, commands and labels are\n"
        "followed, because scripts compare it with what they need.",
    .options = options,
    .group = GROUP_TOOLS,
    .run = run_version,
};
