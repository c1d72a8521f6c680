/*
 * What goes on and on: logs, attach, and the stream of events with its history.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/parse.h"
#include "base/str.h"
#include "engine/fake/world.h"

/* --- logs and attach --- */

static void send_line(struct fake_call *call, const struct fake_log_line *line)
{
    char stamp[CLOCK_RFC3339_MAX];
    if (!(line->is_stderr ? call->want_stderr : call->want_stdout)) {
        return;
    }
    CLEANUP_FREE char *text = call->timestamps
                                  ? xasprintf("%s %s\n", clock_rfc3339(line->wall, stamp),
                                              line->text)
                                  : xasprintf("%s\n", line->text);
    fake_stream_frame(call, line->is_stderr, text, strlen(text));
}

static void log_line(struct fake_container *c, bool is_stderr, const char *text, size_t len)
{
    struct fake_log_line *line = xcalloc(1, sizeof(*line));
    line->wall = clock_wall();
    line->is_stderr = is_stderr;
    line->text = xstrndup(text, len);
    vec_push(&c->logs, line);
    VEC_FOREACH (struct fake_call, call, &c->watchers) {
        if (call->watch == FAKE_WATCH_LOGS || call->watch == FAKE_WATCH_ATTACH) {
            send_line(call, line);
        }
    }
}

void fake_log(struct fake_container *c, bool is_stderr, const char *text)
{
    for (const char *p = text; *p;) {
        size_t len = strcspn(p, "\n");
        log_line(c, is_stderr, p, len);
        p += len + (p[len] == '\n');
    }
}

void fake_streams_end(struct fake_container *c)
{
    VEC_FOREACH (struct fake_call, call, &c->watchers) {
        if (call->watch == FAKE_WATCH_LOGS || call->watch == FAKE_WATCH_ATTACH) {
            call->watch = FAKE_WATCH_NONE;
            fake_stream_end(call);
        }
    }
}

static void watch(struct fake_call *call, struct fake_container *c, enum fake_watch kind)
{
    call->watch = kind;
    call->container = c;
    vec_push(&c->watchers, call);
}

static void want_streams(struct fake_call *call, const struct fake_container *c)
{
    call->want_stdout = fake_param_true(call, "stdout");
    call->want_stderr = fake_param_true(call, "stderr");
    call->timestamps = fake_param_true(call, "timestamps");
    call->tty = json_is_true(json_object_get(c->config, "Tty"));
}

/* "1700000000.5", "1700000000" or RFC 3339; 0 when absent or something else. */
static int64_t time_param(const struct fake_call *call, const char *name)
{
    CLEANUP_FREE char *text = fake_param(call, name);
    struct err err = {0};
    int64_t wall = 0;
    double seconds = 0;
    if (str_empty(text)) {
        return 0;
    }
    if (parse_double(text, &seconds, &err) == 0) {
        return (int64_t)(seconds * (double)NS_PER_SEC);
    }
    return parse_rfc3339(text, &wall, &err) == 0 ? wall : 0;
}

void fake_container_logs(struct fake_call *call)
{
    struct fake_container *c = fake_container_of(call);
    CLEANUP_FREE char *tail_text = fake_param(call, "tail");
    int64_t tail = -1, since = time_param(call, "since"), until = time_param(call, "until");
    size_t first = 0;
    struct err err = {0};
    if (!c) {
        return;
    }
    want_streams(call, c);
    if (!call->want_stdout && !call->want_stderr) {
        fake_answer_error(call, 400, "Bad parameters: you must choose at least one stream");
        return;
    }
    if (tail_text && parse_int(tail_text, 0, INT64_MAX, &tail, &err) == 0 &&
        (size_t)tail < c->logs.len) {
        first = c->logs.len - (size_t)tail;
    }
    fake_stream_open(call, 200,
                     fake_api(call->world, 42) ? "application/vnd.docker.multiplexed-stream" : "");
    for (size_t i = first; i < c->logs.len; i++) {
        const struct fake_log_line *line = c->logs.items[i];
        if (line->wall >= since && (!until || line->wall <= until)) {
            send_line(call, line);
        }
    }
    if (fake_param_true(call, "follow") && (fake_is_up(c) || c->state == FAKE_RESTARTING)) {
        watch(call, c, FAKE_WATCH_LOGS);
    } else {
        fake_stream_end(call);
    }
}

void fake_container_attach(struct fake_call *call)
{
    struct fake_container *c = fake_container_of(call);
    if (!c) {
        return;
    }
    if (c->state == FAKE_PAUSED) {
        fake_answer_error(call, 409, "container %s is paused, unpause the container before attach",
                          c->id);
        return;
    }
    want_streams(call, c);
    call->stdin_open = fake_param_true(call, "stdin") &&
                       json_is_true(json_object_get(c->config, "OpenStdin"));
    fake_stream_open(call, call->mode == ENGINE_HIJACK ? 101 : 200,
                     "application/vnd.docker.raw-stream");
    if (fake_param_true(call, "logs")) {
        VEC_FOREACH (struct fake_log_line, line, &c->logs) {
            send_line(call, line);
        }
    }
    if (fake_param_true(call, "stream")) {
        watch(call, c, FAKE_WATCH_ATTACH);
    } else {
        fake_stream_end(call);
    }
}

/* --- events --- */

/* "health_status" also fits "health_status: healthy". */
static bool action_fits(const struct fake_call *call, const char *action)
{
    size_t len = strcspn(action, ":");
    CLEANUP_FREE char *head = xstrndup(action, len);
    return fake_filter_is(call, "event", action) || fake_filter_is(call, "event", head);
}

static bool event_fits(const struct fake_call *call, const struct fake_event *e)
{
    const json_t *attributes = json_object_get(json_object_get(e->json, "Actor"), "Attributes");
    const char *name = fake_str(attributes, "name");
    bool is_container = str_eq(e->type, "container");
    if (!fake_filter_is(call, "type", e->type) || !action_fits(call, e->action) ||
        !fake_filter_labels(call, attributes)) {
        return false;
    }
    if (fake_filter_has(call, "container")) {
        const char *id = is_container ? e->id : fake_str(attributes, "container");
        if (!fake_filter_is(call, "container", id) &&
            !(is_container && fake_filter_is(call, "container", name))) {
            return false;
        }
    }
    if (fake_filter_has(call, "image") &&
        !fake_filter_is(call, "image", fake_str(attributes, "image"))) {
        return false;
    }
    return true;
}

static void send_event(struct fake_call *call, const struct fake_event *e)
{
    CLEANUP_FREE char *text = json_dumps(e->json, JSON_COMPACT);
    fake_stream_write(call, text, strlen(text));
    fake_stream_write(call, "\n", 1);
}

void fake_emit(struct fake_world *w, const char *type, const char *action, const char *id,
               json_t *attributes)
{
    struct fake_event *e = xcalloc(1, sizeof(*e));
    bool old = str_eq(type, "container") || str_eq(type, "image");
    e->wall = clock_wall();
    e->type = xstrdup(type);
    e->action = xstrdup(action);
    e->id = xstrdup(id);
    e->json = json_object();
    if (old) { /* members from before there were types */
        json_object_set_new(e->json, "status", json_string(action));
        json_object_set_new(e->json, "id", json_string(id));
        if (*fake_str(attributes, "image")) {
            json_object_set_new(e->json, "from", json_string(fake_str(attributes, "image")));
        }
    }
    json_object_set_new(e->json, "Type", json_string(type));
    json_object_set_new(e->json, "Action", json_string(action));
    json_object_set_new(e->json, "Actor",
                        json_pack("{s:s, s:o}", "ID", id, "Attributes", attributes));
    json_object_set_new(e->json, "scope", json_string("local"));
    json_object_set_new(e->json, "time", json_integer(e->wall / NS_PER_SEC));
    json_object_set_new(e->json, "timeNano", json_integer(e->wall));
    vec_push(&w->events, e);
    VEC_FOREACH (struct fake_call, call, &w->calls) {
        if (call->watch == FAKE_WATCH_EVENTS && event_fits(call, e)) {
            send_event(call, e);
        }
    }
}

void fake_emit_container(struct fake_container *c, const char *action, json_t *extra)
{
    json_t *attributes = json_deep_copy(c->labels);
    json_object_set_new(attributes, "image", json_string(c->image));
    json_object_set_new(attributes, "name", json_string(c->name));
    if (extra) {
        json_object_update(attributes, extra);
        json_decref(extra);
    }
    fake_emit(c->world, "container", action, c->id, attributes);
}

static void until_over(void *arg)
{
    struct fake_call *call = arg;
    call->watch = FAKE_WATCH_NONE;
    fake_stream_end(call);
}

void fake_events(struct fake_call *call)
{
    struct fake_world *w = call->world;
    int64_t since = time_param(call, "since"), until = time_param(call, "until");
    if (!fake_filters(call)) {
        return;
    }
    fake_stream_open(call, 200, "application/json");
    if (since) {
        VEC_FOREACH (struct fake_event, e, &w->events) {
            if (e->wall >= since && (!until || e->wall <= until) && event_fits(call, e)) {
                send_event(call, e);
            }
        }
    }
    if (until && until <= clock_wall()) {
        fake_stream_end(call);
        return;
    }
    call->watch = FAKE_WATCH_EVENTS;
    if (until) {
        fake_task_add(w, fake_now(w) + (until - clock_wall()), until_over, call);
    }
}
