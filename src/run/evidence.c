/*
 * A failure with its evidence: the last lines of the container's log are fetched before the error
 * is told, so that the message is the diagnosis.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "engine/stdcopy.h"
#include "run/internal.h"

enum { TAIL_LINES = 8, TAIL_MAX = 8192 };

struct evidence {
    struct run *run;
    struct run_unit *unit;
    struct err err;
    struct stdcopy copy;
    struct buf text;
};

static void emit(struct run *r, const struct run_unit *u, const struct err *err,
                 const char *evidence)
{
    char text[sizeof(err->file) + sizeof(err->message) + 32];
    struct event e = {.kind = EVENT_ERROR,
                      .mono = clock_mono(),
                      .wall = clock_wall(),
                      .unit = u ? u->kind : UNIT_CONTAINER,
                      .name = u ? u->name : NULL,
                      .service = u ? u->service : NULL,
                      .id = u ? u->id : NULL,
                      .state = UNIT_FAILED,
                      .text = err_text(err, text, sizeof(text)),
                      .hint = err->hint,
                      .evidence = evidence};
    event_emit(r->hub, &e);
}

static void keep(void *arg, enum stdcopy_stream stream, const void *data, size_t len)
{
    struct evidence *v = arg;
    (void)stream;
    buf_append(&v->text, data, len);
}

static void on_data(void *arg, const void *data, size_t len)
{
    struct evidence *v = arg;
    stdcopy_feed(&v->copy, data, len, keep, v);
}

static void on_done(void *arg, const struct engine_reply *reply, const struct err *err)
{
    struct evidence *v = arg;
    (void)reply;
    (void)err; /* no log: the cause stands without it */
    while (v->text.len &&
           (v->text.data[v->text.len - 1] == '\n' || v->text.data[v->text.len - 1] == '\r')) {
        buf_truncate(&v->text, v->text.len - 1);
    }
    emit(v->run, v->unit, &v->err, buf_text(&v->text));
    run_release(v->run);
    stdcopy_release(&v->copy);
    buf_release(&v->text);
    free(v);
}

void run_report_failure(struct run *r, struct run_unit *u, const struct err *err)
{
    static const struct engine_handlers handlers = {.on_data = on_data, .on_done = on_done};
    CLEANUP_FREE char *path = NULL;
    CLEANUP_FREE char *query = NULL;
    struct evidence *v = NULL;
    bool ran = u && u->kind == UNIT_CONTAINER && u->id && u->entry && u->entry->start_begin >= 0;
    if (!ran || err->code == ERR_ENGINE) {
        emit(r, u, err, u && u->evidence ? u->evidence : "");
        return;
    }
    v = xcalloc(1, sizeof(*v));
    *v = (struct evidence){.run = r, .unit = u, .err = *err};
    buf_init(&v->text, TAIL_MAX);
    stdcopy_init(&v->copy, false);
    path = xasprintf("/containers/%s/logs", u->id);
    query = xasprintf("stdout=1&stderr=1&tail=%d", TAIL_LINES);
    struct engine_request req = {.method = "GET",
                                 .path = path,
                                 .query = query,
                                 .mode = ENGINE_STREAM,
                                 .deadline = clock_add(clock_mono(), 5 * NS_PER_SEC)};
    run_hold(r);
    engine_request(r->engine, &req, &handlers, v);
}
