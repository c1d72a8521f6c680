/*
 * fettle events: what the engine says about the project's containers, as it happens.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "cmd/format.h"
#include "cmd/when.h"
#include "engine/engine.h"
#include "engine/stdcopy.h"
#include "view/text.h"

struct listener {
    struct cmd_context *ctx;
    const struct args *args;
    struct json_lines lines;
    struct engine_call *call;
    struct engine *engine;
};

static const char *text_of(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

static bool wanted(const struct listener *l, const char *service, const json_t *attributes)
{
    bool named = l->args->argc == 0;
    for (size_t i = 0; i < l->args->argc; i++) {
        named = named || str_eq(l->args->argv[i], service);
    }
    return named && !str_eq(text_of(attributes, "com.docker.compose.oneoff"), "True");
}

/* Compose's labels are left out: they are how the event was found. */
static json_t *own_attributes(const json_t *attributes)
{
    json_t *own = json_object(), *value = NULL;
    const char *key = NULL;
    json_object_foreach((json_t *)(uintptr_t)attributes, key, value)
    {
        if (!str_starts(key, "com.docker.compose.")) {
            json_object_set(own, key, value);
        }
    }
    return own;
}

/* RFC 3339 with nanoseconds for programs, a space and microseconds for people. */
static void stamp(struct buf *out, int64_t wall, bool people)
{
    char text[40];
    time_t seconds = (time_t)(wall / NS_PER_SEC);
    struct tm tm = {0};
    gmtime_r(&seconds, &tm);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
    long long fraction = (long long)(wall % NS_PER_SEC);
    text[10] = people ? ' ' : 'T';
    buf_printf(out, people ? "%s.%06lld" : "%s.%09lldZ", text, people ? fraction / 1000 : fraction);
}

static void print_text(struct buf *b, int64_t wall, const char *action, const char *id,
                       const json_t *attributes)
{
    json_t *value = NULL;
    const char *key = NULL, *separator = "";
    stamp(b, wall, true);
    buf_printf(b, " container %s %s (", action, id);
    json_object_foreach((json_t *)(uintptr_t)attributes, key, value)
    {
        buf_printf(b, "%s%s=%s", separator, key, json_string_value(value));
        separator = ", ";
    }
    buf_str(b, ")\n");
}

static void on_line(void *arg, const json_t *value)
{
    struct listener *l = arg;
    const json_t *actor = json_object_get(value, "Actor");
    const json_t *attributes = json_object_get(actor, "Attributes");
    const char *service = text_of(attributes, "com.docker.compose.service");
    const char *action = text_of(value, "Action");
    const char *type = text_of(value, "Type");
    CLEANUP_BUF struct buf b = BUF_INIT, time = BUF_INIT;
    int64_t wall = json_integer_value(json_object_get(value, "timeNano"));
    wall = wall ? wall : json_integer_value(json_object_get(value, "time")) * NS_PER_SEC;
    if ((type[0] && !str_eq(type, "container")) || !wanted(l, service, attributes)) {
        return;
    }
    json_t *own = own_attributes(attributes);
    if (l->ctx->json || args_flag(l->args, "json")) {
        json_t *j = json_object();
        json_object_set_new(j, "action", view_text(action));
        json_object_set(j, "attributes", own);
        json_object_set_new(j, "id", view_text(text_of(actor, "ID")));
        json_object_set_new(j, "service", view_text(service));
        stamp(&time, wall, false);
        json_object_set_new(j, "time", json_string(buf_text(&time)));
        json_object_set_new(j, "type", json_string("container"));
        format_json_line(&b, j);
    } else {
        print_text(&b, wall, action, text_of(actor, "ID"), own);
    }
    json_decref(own);
    show_buf(STDOUT_FILENO, &b);
}

static void on_data(void *arg, const void *data, size_t len)
{
    struct listener *l = arg;
    json_lines_feed(&l->lines, data, len, on_line, l);
}

static void on_done(void *arg, const struct engine_reply *reply, const struct err *err)
{
    struct listener *l = arg;
    (void)reply;
    l->call = NULL;
    if (!err) {
        json_lines_end(&l->lines, on_line, l);
    }
    bool stopped = err && err->code == ERR_CANCELLED;
    context_finish(l->ctx, err && !stopped ? -(int)err->code : stopped ? 130 : 0, err);
}

static void on_interrupt(void *arg, int times UNUSED)
{
    struct listener *l = arg;
    engine_cancel(l->engine, l->call);
}

static int query_of(const struct args *args, const char *project, struct buf *query,
                    struct err *err)
{
    CLEANUP_FREE char *label = xasprintf("com.docker.compose.project=%s", project);
    const char *const labels[] = {label};
    CLEANUP_FREE char *filters = engine_filters(labels, 1, "type", "container");
    static const char *const times[] = {"since", "until"};
    int64_t now = clock_wall();
    buf_str(query, filters);
    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        const char *text = args_text(args, times[i]);
        if (!str_empty(text)) {
            buf_printf(query, "&%s=", times[i]);
            int rc = when_append(query, times[i], text, now, err);
            if (rc) {
                return rc;
            }
        }
    }
    return 0;
}

static int run_events(struct cmd_context *ctx, const struct args *args, struct err *err)
{
    static const struct engine_handlers handlers = {.on_data = on_data, .on_done = on_done};
    struct listener l = {.ctx = ctx, .args = args};
    const char *name = NULL;
    CLEANUP_BUF struct buf query = BUF_INIT;
    int rc = context_name(ctx, &name, err);
    rc = rc ? rc : query_of(args, name, &query, err);
    rc = rc ? rc : context_engine(ctx, &l.engine, err);
    if (rc) {
        return rc;
    }
    json_lines_init(&l.lines, 0);
    context_on_interrupt(ctx, on_interrupt, &l);
    l.call = engine_request(l.engine,
                            &(struct engine_request){.method = "GET",
                                                     .path = "/events",
                                                     .query = buf_text(&query),
                                                     .mode = ENGINE_STREAM,
                                                     .deadline = CLOCK_NEVER},
                            &handlers, &l);
    rc = context_wait(ctx, err);
    context_on_interrupt(ctx, NULL, NULL);
    json_lines_release(&l.lines);
    return rc;
}

static const struct option options[] = {
    {"json", 0, OPTION_FLAG, NULL, "An object a line"},
    {"since", 0, OPTION_TEXT, "TIME",
     "From TIME on: 10m, 2026-01-02T03:04:05Z, seconds since 1970"},
    {"until", 0, OPTION_TEXT, "TIME", "Until TIME, then end"},
    {NULL},
};

const struct cmd cmd_events = {
    .name = "events",
    .summary = "Show what happens to the project's containers",
    .usage = "[OPTIONS] [SERVICE...]",
    .description =
        "Goes on until it is interrupted, or until --until. --json prints an object a line.",
    .examples = "fettle events --json web\n"
                "fettle events --since 10m --until 0s   # what happened, and no waiting",
    .options = options,
    .max_args = -1,
    .group = GROUP_LOOK,
    .completes = COMPLETE_SERVICE,
    .run = run_events,
};
