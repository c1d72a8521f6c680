/*
 * The event stream of a project: GET /events, decoded line by line, the engines' different words
 * made one.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "engine/decode.h"
#include "engine/engine.h"
#include "engine/stdcopy.h"

struct engine_watch {
    struct engine *engine;
    struct engine_call *call;
    struct json_lines lines;
    engine_event_fn *on_event;
    void (*on_open)(void *arg);
    void (*on_end)(void *arg, const struct err *err);
    void *arg;
    bool cancelled;
};

/* Podman's words in Docker's. */
static const char *docker_action(const struct engine_traits *t, const char *type,
                                 const char *action)
{
    static const struct {
        const char *from, *to;
    } words[] = {{"died", "die"}, {"remove", "destroy"}, {"exec_died", "exec_die"}};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcmp(action, words[i].from) == 0 &&
            (i != 1 || (t->remove_is_destroy && strcmp(type, "container") == 0))) {
            return words[i].to;
        }
    }
    return action;
}

static void on_line(void *arg, const json_t *value)
{
    struct engine_watch *w = arg;
    const json_t *actor = json_object_get(value, "Actor");
    const char *type = json_text(value, "Type");
    const char *action = json_text(value, "Action");
    struct engine_event e = {.type = *type ? type : "container",
                             .id = json_text(actor, "ID"),
                             .attributes = json_object_get(actor, "Attributes"),
                             .time = json_number(value, "timeNano")};
    if (w->cancelled) {
        return;
    }
    action = *action ? action : json_text(value, "status");
    e.action = docker_action(engine_traits(w->engine), e.type, action);
    e.id = *e.id ? e.id : json_text(value, "id");
    e.time = e.time ? e.time : json_number(value, "time") * NS_PER_SEC;
    if (*e.action) {
        w->on_event(w->arg, &e);
    }
}

static void on_data(void *arg, const void *data, size_t len)
{
    struct engine_watch *w = arg;
    json_lines_feed(&w->lines, data, len, on_line, w);
}

static void on_open(void *arg, const struct engine_reply *reply)
{
    struct engine_watch *w = arg;
    (void)reply;
    if (!w->cancelled && w->on_open) {
        w->on_open(w->arg);
    }
}

static void on_done(void *arg, const struct engine_reply *reply, const struct err *err)
{
    struct engine_watch *w = arg;
    (void)reply;
    if (!w->cancelled) {
        w->on_end(w->arg, err);
    }
    json_lines_release(&w->lines);
    free(w);
}

struct engine_watch *engine_watch(struct engine *e, const char *project, engine_event_fn *event,
                                  void (*open)(void *arg),
                                  void (*end)(void *arg, const struct err *err), void *arg)
{
    static const struct engine_handlers handlers = {
        .on_open = on_open, .on_data = on_data, .on_done = on_done};
    struct engine_watch *w = xcalloc(1, sizeof(*w));
    CLEANUP_FREE char *label = project ? xasprintf("com.docker.compose.project=%s", project)
                                       : xstrdup("");
    const char *labels[] = {label};
    CLEANUP_FREE char *query = engine_filters(labels, project ? 1 : 0, "type", "container");
    struct engine_request r = {.method = "GET",
                               .path = "/events",
                               .query = query,
                               .mode = ENGINE_STREAM,
                               .deadline = CLOCK_NEVER};
    *w = (struct engine_watch){
        .engine = e, .on_event = event, .on_open = open, .on_end = end, .arg = arg};
    json_lines_init(&w->lines, 0);
    w->call = engine_request(e, &r, &handlers, w);
    return w;
}

void engine_watch_cancel(struct engine_watch *w)
{
    if (w && !w->cancelled) {
        w->cancelled = true;
        engine_cancel(w->engine, w->call);
    }
}
