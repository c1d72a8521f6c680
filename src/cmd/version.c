/*
 * fettle version: the program, the Compose level it follows, the engine and why that one.
 */
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/str.h"
#include "cmd/format.h"
#include "engine/engine.h"
#include "view/text.h"

static int print_json(const struct engine_traits *t, const struct err *why)
{
    CLEANUP_BUF struct buf b = BUF_INIT;
    json_t *j = json_object(), *e = json_object();
    json_object_set_new(j, "version", json_string("v" COMPOSE_LEVEL));
    json_object_set_new(j, "fettle", json_string(FETTLE_VERSION));
    if (t) {
        json_object_set_new(e, "name", view_text(t->name));
        json_object_set_new(e, "version", view_text(t->version));
        json_object_set_new(e, "api", json_sprintf("1.%d", t->api_minor));
        json_object_set_new(e, "os", view_text(t->os));
        json_object_set_new(e, "arch", view_text(t->arch));
        json_object_set_new(e, "endpoint", view_text(t->endpoint));
        json_object_set_new(e, "reason", view_text(t->reason));
    } else {
        json_object_set_new(e, "error", view_text(why->message));
        view_set_text(e, "hint", why->hint);
    }
    json_object_set_new(j, "engine", e);
    format_json_line(&b, j);
    show_buf(STDOUT_FILENO, &b);
    return 0;
}

static int run_version(struct cmd_context *ctx, const struct args *args, struct err *err)
{
    const char *template = NULL;
    struct engine *engine = NULL;
    if (args_flag(args, "short")) {
        show_text("%s\n", COMPOSE_LEVEL);
        return 0;
    }
    bool json = format_of(ctx, args, &template) == FORMAT_JSON;
    int rc = context_engine(ctx, &engine, err);
    const struct engine_traits *t = rc ? NULL : engine_traits(engine);
    if (rc == -ERR_CANCELLED) {
        return rc;
    }
    if (json) {
        return print_json(t, err);
    }
    show_text("fettle %s (Docker Compose version v%s)\n", FETTLE_VERSION, COMPOSE_LEVEL);
    if (t) {
        show_text("engine  %s %s, API 1.%d, %s/%s\n        %s\n        %s\n", t->name, t->version,
                  t->api_minor, t->os, t->arch, t->endpoint, t->reason);
    } else {
        show_text("engine  none: %s\n", err->message);
        if (err->hint[0]) {
            show_text("        %s\n", err->hint);
        }
    }
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
