/*
 * The life of one call and the transport's operations: copying the request, faults, handing the
 * answer out piece by piece. It must not know what the requests mean (route.c and the rest).
 * Driven by the world's task list: nothing is told to a client from inside its own call().
 */
#include <assert.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "engine/fake/world.h"

enum { READ_PIECE = 4096 };

static void flush(void *arg);

/* --- ending --- */

static void call_free(struct fake_call *call)
{
    struct fake_world *w = call->world;
    fake_task_cancel(w, NULL, call);
    vec_remove(&w->calls, call);
    if (call->container) {
        vec_remove(&call->container->watchers, call);
    }
    if (call->exec && call->exec->call == call) {
        call->exec->call = NULL;
    }
    MAP_FOREACH (e, &call->filters) {
        strv_release(e->value);
        free(e->value);
    }
    map_release(&call->filters);
    json_decref(call->body);
    json_decref(call->json);
    buf_release(&call->raw);
    buf_release(&call->out);
    free(call->method);
    free(call->path);
    free(call->query);
    free(call->id);
    free(call->path_stat);
    free(call);
}

static struct fake_record *record_of(struct fake_call *call)
{
    struct fake_world *w = call->world;
    return call->record && call->record_epoch == w->record_epoch
               ? w->records.items[call->record - 1]
               : NULL;
}

static struct engine_reply reply_of(const struct fake_call *call)
{
    return (struct engine_reply){
        .status = call->status,
        .content_type = call->content_type ? call->content_type : "",
        .path_stat = call->path_stat,
        .text = "",
    };
}

/* A request that is on its way to the engine has its effect even when nobody waits any more. */
static bool goes_on(const struct fake_call *call)
{
    bool reads = str_eq(call->method, "GET") || str_eq(call->method, "HEAD");
    return !call->processed && !reads && !call->produce;
}

/* Tells the client the end, once; the call goes with it unless its effect is still to come. */
static void finish(struct fake_call *call)
{
    struct engine_reply reply = reply_of(call);
    struct fake_record *record = record_of(call);
    CLEANUP_FREE char *text = NULL;
    if (record) {
        record->status = call->status;
    }
    if (call->client && call->handlers.on_done) {
        bool collected = call->mode == ENGINE_COLLECT || call->status >= 400;
        if (collected && call->json) {
            text = json_dumps(call->json, JSON_COMPACT | JSON_ENCODE_ANY);
            reply.json = call->status < 400 ? call->json : NULL; /* refusals are in err */
        } else if (collected) {
            text = xstrdup(buf_text(&call->out));
        }
        if (text && call->status) {
            reply.text = text;
            reply.text_len = call->json ? strlen(text) : call->out.len;
        }
        call->client = NULL;
        call->handlers.on_done(call->arg, call->status ? &reply : NULL,
                               call->err.code ? &call->err : NULL);
    }
    call->client = NULL;
    if (goes_on(call)) {
        call->dead = false;
        fake_task_cancel(call->world, flush, call);
    } else {
        call_free(call);
    }
}

/* The client hears call->err soon; answers do not count any more. */
static void end_later(struct fake_call *call)
{
    call->dead = true;
    call->status = 0;
    fake_task_cancel(call->world, flush, call);
    fake_task_add(call->world, 0, flush, call);
}

void fake_call_lose(struct fake_call *call)
{
    if (!call->dead) {
        err_set(&call->err, ERR_ENGINE, "the engine closed the connection");
        err_hint(&call->err, "is the engine still running?");
        end_later(call);
    }
}

static void time_out(void *arg)
{
    struct fake_call *call = arg;
    if (!call->dead) {
        err_set(&call->err, ERR_TIMEOUT, "%s %s: no answer in time", call->method, call->path);
        err_hint(&call->err, "the engine is overloaded or hangs; look at its log");
        end_later(call);
    }
}

/* --- handing out --- */

/* False when the call must be left alone now. */
static bool hand_open(struct fake_call *call)
{
    struct engine_reply reply = reply_of(call);
    call->told_open = true;
    if (call->handlers.on_open) {
        call->in_callback = true;
        call->handlers.on_open(call->arg, &reply);
        call->in_callback = false;
    }
    return !call->dead && call->client;
}

static bool hand_data(struct fake_call *call)
{
    size_t most = call->world->options.chunk;
    while (call->out.len && !call->paused) {
        size_t len = most && most < call->out.len ? most : call->out.len;
        CLEANUP_FREE char *piece = xmalloc(len);
        memcpy(piece, call->out.data, len);
        buf_consume(&call->out, len);
        if (call->handlers.on_data) {
            call->in_callback = true;
            call->handlers.on_data(call->arg, piece, len);
            call->in_callback = false;
        }
        if (call->dead || !call->client) {
            return false;
        }
        if (call->fault == FAKE_FAULT_CUT) {
            fake_call_lose(call);
            return false;
        }
    }
    return true;
}

static void flush(void *arg)
{
    struct fake_call *call = arg;
    bool streamed = call->mode != ENGINE_COLLECT && call->status < 400;
    if (call->dead) {
        finish(call);
        return;
    }
    if (!call->client) { /* nobody listens: the end is all that matters */
        if (call->ended) {
            finish(call);
        }
        return;
    }
    if (streamed && call->opened && !call->told_open && !hand_open(call)) {
        return;
    }
    if (streamed && call->told_open && !hand_data(call)) {
        return;
    }
    if (call->ended && (!streamed || call->out.len == 0)) {
        finish(call);
    }
}

static void flush_later(struct fake_call *call)
{
    if (!call->dead) {
        fake_task_cancel(call->world, flush, call);
        fake_task_add(call->world, 0, flush, call);
    }
}

/* --- answers --- */

static enum err_code code_of(const struct fake_world *w, int status, const char *text)
{
    if (status == 500 && fake_podman(w) &&
        (strstr(text, "already in use") || strstr(text, "already exists"))) {
        return ERR_CONFLICT; /* as the transport over HTTP reads it */
    }
    switch (status) {
    case 404:
        return ERR_NOT_FOUND;
    case 409:
        return ERR_CONFLICT;
    case 501:
        return ERR_UNSUPPORTED;
    default:
        return ERR_REFUSED;
    }
}

/* A fault that strikes once the effect has taken place; false when the answer goes out as it is. */
static bool late_fault(struct fake_call *call)
{
    switch (call->fault) {
    case FAKE_FAULT_LOST_AFTER:
        fake_call_lose(call);
        return true;
    case FAKE_FAULT_NEVER_AFTER:
        time_out(call);
        return true;
    default:
        return false;
    }
}

static void garble(struct fake_call *call)
{
    if (call->mode != ENGINE_COLLECT || call->status >= 400) {
        return;
    }
    if (call->fault == FAKE_FAULT_NOT_JSON) {
        json_decref(call->json);
        call->json = NULL;
        buf_clear(&call->out);
        buf_str(&call->out, "<html>bad gateway</html>");
        call->content_type = "text/html";
        call->status = 200;
    } else if (call->fault == FAKE_FAULT_WRONG_SHAPE) {
        json_t *wrong = json_is_array(call->json) ? json_object() : json_array();
        json_decref(call->json);
        call->json = wrong;
        call->content_type = "application/json";
        call->status = 200;
    }
}

static void answered(struct fake_call *call, int status)
{
    call->ended = true;
    if (call->dead) {
        return;
    }
    call->status = status;
    if (!late_fault(call)) {
        garble(call);
        flush_later(call);
    }
}

void fake_answer_json(struct fake_call *call, int status, json_t *json)
{
    json_decref(call->json);
    call->json = json;
    call->content_type = "application/json";
    if (call->mode != ENGINE_COLLECT && status < 400) { /* the client wants it as bytes */
        CLEANUP_FREE char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
        buf_str(&call->out, text);
        buf_char(&call->out, '\n');
        call->opened = true;
    }
    answered(call, status);
}

void fake_answer_text(struct fake_call *call, int status, const char *text)
{
    call->content_type = "text/plain; charset=utf-8";
    buf_str(&call->out, text);
    call->opened = true;
    answered(call, status);
}

void fake_answer_empty(struct fake_call *call, int status)
{
    call->opened = true;
    answered(call, status);
}

void fake_answer_error(struct fake_call *call, int status, const char *fmt, ...)
{
    va_list ap;
    json_t *body = json_object();
    va_start(ap, fmt);
    CLEANUP_FREE char *text = xvasprintf(fmt, ap);
    va_end(ap);
    if (fake_podman(call->world)) {
        json_object_set_new(body, "cause", json_string(text));
        json_object_set_new(body, "response", json_integer(status));
    }
    json_object_set_new(body, "message", json_string(text));
    if (!call->dead) {
        err_set(&call->err, code_of(call->world, status, text), "%s", text);
        call->err.status = status;
    }
    fake_answer_json(call, status, body);
}

void fake_stream_open(struct fake_call *call, int status, const char *content_type)
{
    if (call->dead) {
        return;
    }
    call->status = status;
    call->content_type = content_type;
    call->opened = true;
    if (!late_fault(call)) {
        flush_later(call);
    }
}

void fake_stream_write(struct fake_call *call, const void *data, size_t len)
{
    if (!call->dead && len) {
        buf_append(&call->out, data, len);
        flush_later(call);
    }
}

void fake_stream_json(struct fake_call *call, json_t *json)
{
    CLEANUP_FREE char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    fake_stream_write(call, text, strlen(text));
    fake_stream_write(call, "\r\n", 2);
}

void fake_stream_frame(struct fake_call *call, bool is_stderr, const char *text, size_t len)
{
    unsigned char head[8] = {is_stderr ? 2 : 1, 0, 0, 0};
    if (!call->tty) {
        head[4] = (unsigned char)(len >> 24);
        head[5] = (unsigned char)(len >> 16);
        head[6] = (unsigned char)(len >> 8);
        head[7] = (unsigned char)len;
        fake_stream_write(call, head, sizeof(head));
    }
    fake_stream_write(call, text, len);
}

void fake_stream_end(struct fake_call *call)
{
    call->ended = true;
    flush_later(call);
}

bool fake_call_read(struct fake_call *call)
{
    struct fake_record *record = record_of(call);
    char piece[READ_PIECE];
    if (call->produce && call->client) {
        struct err err = {0};
        long n = 0;
        while ((n = call->produce(call->produce_arg, piece, sizeof(piece), &err)) > 0) {
            buf_append(&call->raw, piece, (size_t)n);
        }
        call->produce = NULL;
        if (n < 0) {
            call->err = err;
            end_later(call);
            return false;
        }
    }
    if (record) {
        record->raw_len = call->raw.len;
    }
    return true;
}

/* --- faults before the effect --- */

static enum fake_fault next_fault(struct fake_world *w, const struct fake_call *call)
{
    if (w->fail_in && --w->fail_in == 0) {
        w->struck = true;
        return w->fail_with;
    }
    VEC_FOREACH (struct fake_order, o, &w->orders) {
        if ((str_eq(o->method, "*") || str_eq(o->method, call->method)) &&
            fnmatch(o->pattern, call->path, 0) == 0) {
            return o->fault;
        }
    }
    return FAKE_FAULT_NONE;
}

static void kill_now(struct fake_world *w)
{
    w->struck = true;
    VEC_FOREACH (struct fake_transport, t, &w->transports) {
        t->killed = true;
    }
    VEC_FOREACH (struct fake_call, call, &w->calls) {
        fake_call_lose(call);
    }
}

void fake_world_kill(struct fake_world *w, size_t n)
{
    w->kill_in = n;
    w->struck = false;
    if (n == 0) {
        kill_now(w);
    }
}

/* True when the call does not reach the engine. */
static bool early_fault(struct fake_call *call)
{
    switch (call->fault) {
    case FAKE_FAULT_LOST_BEFORE:
        fake_call_lose(call);
        return true;
    case FAKE_FAULT_STATUS_500:
        fake_answer_error(call, 500, "something went wrong inside the engine");
        return true;
    case FAKE_FAULT_STATUS_404:
        fake_answer_error(call, 404, "No such thing: %s", call->path);
        return true;
    case FAKE_FAULT_STATUS_409:
        fake_answer_error(call, 409, "Conflict: %s", call->path);
        return true;
    case FAKE_FAULT_NEVER: /* its deadline is armed */
        return true;
    default:
        return false;
    }
}

static void process(void *arg)
{
    struct fake_call *call = arg;
    call->processed = true;
    if (!early_fault(call)) {
        fake_route(call);
    }
    if (!call->client && !call->dead) { /* the client had left before */
        call_free(call);
    }
}

/* --- the transport's operations --- */

static void note(struct fake_call *call, const struct engine_request *rq)
{
    struct fake_world *w = call->world;
    struct fake_record *r = xcalloc(1, sizeof(*r));
    r->method = xstrdup(call->method);
    r->path = xstrdup(call->path);
    r->query = xstrdup(call->query);
    r->body = call->body ? json_incref(call->body) : NULL;
    r->raw_len = rq->raw_len;
    r->fault = call->fault;
    r->at = fake_now(w);
    vec_push(&w->records, r);
    call->record = w->records.len;
    call->record_epoch = w->record_epoch;
}

static struct engine_call *transport_call(struct engine_transport *base,
                                          const struct engine_request *rq,
                                          const struct engine_handlers *handlers, void *arg)
{
    struct fake_transport *t = (struct fake_transport *)(void *)base;
    struct fake_world *w = t->world;
    struct fake_call *call = xcalloc(1, sizeof(*call));
    int64_t now = fake_now(w);
    int64_t deadline = rq->deadline ? rq->deadline : CLOCK_NEVER;
    call->world = w;
    call->client = t;
    call->handlers = *handlers;
    call->arg = arg;
    call->method = xstrdup(rq->method);
    call->path = fake_decode(rq->path, strlen(rq->path));
    call->query = xstrdup(rq->query ? rq->query : "");
    call->body = rq->json ? json_deep_copy(rq->json) : NULL;
    if (rq->raw_len) {
        buf_append(&call->raw, rq->raw, rq->raw_len);
    }
    call->produce = rq->produce;
    call->produce_arg = rq->produce_arg;
    call->mode = rq->mode;
    call->deadline = deadline;
    vec_push(&w->calls, call);
    if (t->killed) {
        fake_call_lose(call);
        return (struct engine_call *)(void *)call;
    }
    call->fault = next_fault(w, call);
    note(call, rq);
    if (call->fault == FAKE_FAULT_NEVER && deadline > now + w->options.patience) {
        deadline = now + w->options.patience;
    }
    if (deadline != CLOCK_NEVER) {
        fake_task_add(w, deadline, time_out, call);
    }
    fake_task_add(w, w->options.latency ? now + w->options.latency : 0, process, call);
    if (w->kill_in && --w->kill_in == 0) {
        kill_now(w);
    }
    return (struct engine_call *)(void *)call;
}

static void transport_cancel(struct engine_call *opaque)
{
    struct fake_call *call = (struct fake_call *)(void *)opaque;
    if (!call->dead && call->client) {
        err_set(&call->err, ERR_CANCELLED, "%s %s: cancelled", call->method, call->path);
        end_later(call);
    }
}

static bool transport_write(struct engine_call *opaque, const void *data, size_t len)
{
    struct fake_call *call = (struct fake_call *)(void *)opaque;
    if (!call->dead && call->exec) {
        fake_exec_input(call->exec, data, len);
    } else if (!call->dead && call->watch == FAKE_WATCH_ATTACH && call->stdin_open) {
        fake_stream_frame(call, false, data, len); /* a container that reads echoes */
    }
    return true;
}

static void transport_close_write(struct engine_call *opaque)
{
    struct fake_call *call = (struct fake_call *)(void *)opaque;
    if (!call->dead && call->exec) {
        fake_exec_input(call->exec, NULL, 0);
    }
}

static void transport_pause(struct engine_call *opaque, bool paused)
{
    struct fake_call *call = (struct fake_call *)(void *)opaque;
    call->paused = paused;
    if (!paused) {
        flush_later(call);
    }
}

void fake_calls_drop(struct fake_world *w)
{
    while (w->calls.len) {
        call_free(w->calls.items[0]);
    }
}

static void transport_free(struct engine_transport *base)
{
    struct fake_transport *t = (struct fake_transport *)(void *)base;
    struct fake_world *w = t->world;
    vec_remove(&w->transports, t);
    for (size_t i = 0; i < w->calls.len;) {
        struct fake_call *call = w->calls.items[i];
        if (call->client != t) {
            i++;
            continue;
        }
        if (!call->dead) {
            err_set(&call->err, ERR_CANCELLED, "the connection to the engine was closed");
            end_later(call);
        }
        if (call->in_callback) {
            i++;
        } else {
            finish(call);
            i = 0;
        }
    }
    free(t);
}

/* --- connecting --- */

struct connecting {
    struct fake_transport *transport;
    void (*done)(void *arg, const struct err *err);
    void *arg;
};

static void set_traits(struct fake_transport *t)
{
    const struct fake_options *o = &t->world->options;
    struct engine_traits *traits = &t->base.traits;
    bool podman = fake_podman(t->world);
    traits->api_minor = 0;
    for (int minor = 24; fake_api(t->world, minor); minor++) {
        traits->api_minor = minor;
    }
    snprintf(traits->name, sizeof(traits->name), "%s", podman ? "podman" : "docker");
    snprintf(traits->version, sizeof(traits->version), "%s", podman ? "4.3.1" : "20.10.24");
    snprintf(traits->os, sizeof(traits->os), "%s", o->os);
    snprintf(traits->arch, sizeof(traits->arch), "%s", o->arch);
    snprintf(traits->endpoint, sizeof(traits->endpoint), "fake:");
    snprintf(traits->reason, sizeof(traits->reason), "a test asked for it");
    traits->local = false;
    traits->no_healthchecks = podman;
    traits->no_update = podman;
    traits->conflict_is_500 = podman;
    traits->remove_is_destroy = podman;
    traits->log_seconds = podman;
}

static void on_connected(void *arg, UNUSED const struct engine_reply *reply, const struct err *err)
{
    struct connecting *c = arg;
    if (!err) {
        set_traits(c->transport);
    }
    c->done(c->arg, err);
    free(c);
}

static void transport_connect(struct engine_transport *base,
                              void (*done)(void *arg, const struct err *err), void *arg)
{
    static const struct engine_handlers handlers = {.on_done = on_connected};
    struct engine_request rq = {
        .method = "GET",
        .path = "/_ping",
        .mode = ENGINE_COLLECT,
        .deadline = CLOCK_NEVER,
    };
    struct connecting *c = xcalloc(1, sizeof(*c));
    c->transport = (struct fake_transport *)(void *)base;
    c->done = done;
    c->arg = arg;
    transport_call(base, &rq, &handlers, c);
}

struct engine_transport *fake_transport_new(struct fake_world *w)
{
    static const struct engine_transport_ops ops = {
        .connect = transport_connect,
        .call = transport_call,
        .cancel = transport_cancel,
        .write = transport_write,
        .close_write = transport_close_write,
        .pause = transport_pause,
        .free = transport_free,
    };
    struct fake_transport *t = xcalloc(1, sizeof(*t));
    t->base.ops = &ops;
    t->world = w;
    set_traits(t);
    vec_push(&w->transports, t);
    return &t->base;
}
