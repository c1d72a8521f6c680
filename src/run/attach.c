/*
 * The output of containers that are started in the foreground: attached before the start, so that
 * no line is lost, cut into lines, and told as events.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "engine/stdcopy.h"
#include "run/internal.h"

enum { LINE_MAX_BYTES = 16 << 10 };

struct attachment {
    struct run *run;
    struct run_step *step; /* NULL once the start may go on */
    struct run_unit *unit;
    void (*ready)(struct run_step *s);
    struct engine_call *call;
    struct stdcopy copy;
    struct buf lines[2]; /* stdout, stderr: what has no newline yet */
};

static void emit_line(struct attachment *a, bool is_stderr, const char *text)
{
    struct event e = {.kind = EVENT_LOG,
                      .mono = clock_mono(),
                      .wall = clock_wall(),
                      .name = a->unit->name,
                      .service = a->unit->service,
                      .id = a->unit->id,
                      .state = a->unit->state,
                      .text = text,
                      .is_stderr = is_stderr};
    event_emit(a->run->hub, &e);
}

static void flush_line(struct attachment *a, int which)
{
    struct buf *b = &a->lines[which];
    if (b->len && b->data[b->len - 1] == '\r') {
        buf_truncate(b, b->len - 1);
    }
    emit_line(a, which == 1, buf_text(b));
    buf_clear(b);
}

static void on_bytes(void *arg, enum stdcopy_stream stream, const void *data, size_t len)
{
    struct attachment *a = arg;
    int which = stream == STDCOPY_STDERR ? 1 : 0;
    const char *p = data;
    while (len) {
        const char *end = memchr(p, '\n', len);
        size_t n = end ? (size_t)(end - p) : len;
        if (a->lines[which].len + n > LINE_MAX_BYTES) {
            flush_line(a, which);
        }
        buf_append(&a->lines[which], p, n < LINE_MAX_BYTES ? n : LINE_MAX_BYTES);
        if (!end) {
            return;
        }
        flush_line(a, which);
        p = end + 1;
        len -= n + 1;
    }
}

static void on_data(void *arg, const void *data, size_t len)
{
    struct attachment *a = arg;
    stdcopy_feed(&a->copy, data, len, on_bytes, a);
}

static void go_on(struct attachment *a)
{
    struct run_step *s = a->step;
    if (s) {
        a->step = NULL;
        a->ready(s);
    }
}

static void on_open(void *arg, const struct engine_reply *reply)
{
    (void)reply;
    go_on(arg);
}

static void on_done(void *arg, const struct engine_reply *reply, const struct err *err)
{
    struct attachment *a = arg;
    (void)reply;
    a->call = NULL;
    if (a->run) {
        for (int i = 0; i < 2; i++) {
            if (a->lines[i].len) {
                flush_line(a, i);
            }
        }
        if (err && a->step) {
            run_warning(a->run, a->unit, "", "cannot attach to %s: %s", a->unit->name,
                        err->message);
        }
        go_on(a); /* without its output rather than not at all */
        vec_remove(&a->run->attachments, a);
    }
    buf_release(&a->lines[0]);
    buf_release(&a->lines[1]);
    stdcopy_release(&a->copy);
    free(a);
}

static struct attachment *attach(struct run *r, struct run_unit *u, bool tty)
{
    static const struct engine_handlers handlers = {
        .on_open = on_open, .on_data = on_data, .on_done = on_done};
    struct attachment *a = xcalloc(1, sizeof(*a));
    CLEANUP_FREE char *path = xasprintf("/containers/%s/attach", u->id);
    struct engine_request req = {.method = "POST",
                                 .path = path,
                                 .query = "stream=1&stdout=1&stderr=1",
                                 .mode = ENGINE_HIJACK,
                                 .deadline = CLOCK_NEVER};
    *a = (struct attachment){.run = r, .unit = u};
    stdcopy_init(&a->copy, tty);
    vec_push(&r->attachments, a);
    a->call = engine_request(r->engine, &req, &handlers, a);
    return a;
}

static bool wanted(const struct run *r, const struct service *s)
{
    return (r->options.flags & RUN_ATTACH) &&
           (!r->options.attach_wanted || r->options.attach_wanted(r->options.attach_arg, s));
}

void run_attach(struct run_step *s, void (*ready)(struct run_step *s))
{
    struct attachment *a = NULL;
    if (!wanted(s->run, s->step->service)) {
        ready(s);
        return;
    }
    a = attach(s->run, s->unit, s->step->service && s->step->service->tty);
    a->step = s;
    a->ready = ready;
}

bool run_attach_again(struct run *r, const char *id)
{
    for (size_t i = 0; i < r->plan->unit_count; i++) {
        const struct plan_unit *pu = r->plan->units[i];
        struct run_unit *u = r->of_plan_unit[i];
        if (!u->id || strcmp(u->id, id) != 0) {
            continue;
        }
        for (size_t k = 0; k < r->attachments.len; k++) {
            if (((struct attachment *)r->attachments.items[k])->unit == u) {
                return true;
            }
        }
        if (!wanted(r, pu->service)) {
            return false;
        }
        attach(r, u, pu->service && pu->service->tty);
        return true;
    }
    return false;
}

void run_attach_running(struct run *r)
{
    for (size_t i = 0; i < r->plan->unit_count; i++) {
        if (r->plan->units[i]->unchanged) {
            run_attach_again(r, r->of_plan_unit[i]->id);
        }
    }
}

void run_attachments_free(struct run *r)
{
    while (r->attachments.len) {
        struct attachment *a = vec_pop(&r->attachments);
        a->run = NULL;
        engine_cancel(r->engine, a->call);
    }
    vec_release(&r->attachments);
}
