/*
 * One call of the API over HTTP: copied, sent when the engine is known, answered once.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "engine/docker/types.h"

/* The engine agrees at once, however long the stream then lives. */
#define HIJACK_TIMEOUT (60 * NS_PER_SEC)

static void destroy(void *arg)
{
    struct engine_call *call = arg;

    buf_release(&call->body);
    free(call->method);
    free(call->target);
    free(call->content_type);
    free(call->registry_auth);
    free(call->registry_config);
    free(call->reply_type);
    free(call->path_stat);
    free(call);
}

void docker_call_finish(struct engine_call *call, const struct err *err)
{
    struct docker *d = call->d;

    if (call->finished) {
        return;
    }
    call->finished = true;
    ev_timer_free(call->kick);
    stream_free(call->stream);
    call->stream = NULL;
    vec_remove(&d->calls, call);
    if (call->h.on_done != NULL) {
        call->h.on_done(call->arg, call->reply.status == 0 ? NULL : &call->reply, err);
    }
    ev_defer(d->loop, destroy, call);
}

static void on_kick(void *arg)
{
    struct engine_call *call = arg;
    docker_call_finish(call, &call->err);
}

/* --- the answer --- */

static void take_reply(struct engine_call *call, const struct http_response *r)
{
    const char *type = http_response_header(r, "Content-Type");

    if (call->reply.status == 0) {
        call->reply_type = xstrdup(type == NULL ? "" : type);
        call->path_stat = xstrdup(http_response_header(r, "X-Docker-Container-Path-Stat"));
    }
    call->reply = (struct engine_reply){.status = r->status,
                                        .text = r->body,
                                        .text_len = r->body_len,
                                        .content_type = call->reply_type,
                                        .path_stat = call->path_stat};
}

static void on_head(struct http_request *q, const struct http_response *r, void *arg)
{
    struct engine_call *call = arg;

    (void)q;
    take_reply(call, r);
    if (call->h.on_open != NULL) {
        call->h.on_open(call->arg, &call->reply);
    }
}

static void on_data(struct http_request *q, const char *data, size_t len, void *arg)
{
    struct engine_call *call = arg;

    (void)q;
    if (call->h.on_data != NULL) {
        call->h.on_data(call->arg, data, len);
    }
}

/* --- hijacked --- */

static void on_stream_data(struct stream *s, void *arg)
{
    struct engine_call *call = arg;
    size_t len;
    const char *data = stream_in(s, &len);

    if (call->h.on_data != NULL) {
        call->h.on_data(call->arg, data, len);
    }
    if (call->stream == s) {
        stream_consume(s, len);
    }
}

static void on_stream_eof(struct stream *s, void *arg)
{
    (void)s;
    docker_call_finish(arg, NULL);
}

static void on_stream_drain(struct stream *s, void *arg)
{
    struct engine_call *call = arg;

    (void)s;
    if (call->h.on_drain != NULL) {
        call->h.on_drain(call->arg);
    }
}

static void on_stream_error(struct stream *s, const struct err *cause, void *arg)
{
    struct engine_call *call = arg;
    struct err err;

    docker_explain(call->d, cause, stream_layer(s), &err);
    docker_call_finish(call, &err);
}

static void on_hijack(struct http_request *q, struct stream *s, void *arg)
{
    static const struct stream_handlers handlers = {.on_data = on_stream_data,
                                                    .on_eof = on_stream_eof,
                                                    .on_drain = on_stream_drain,
                                                    .on_error = on_stream_error};
    struct engine_call *call = arg;

    (void)q;
    call->stream = s;
    stream_set_handlers(s, &handlers, call);
    stream_set_deadline(s, call->deadline);
}

/* --- done --- */

static void on_done(struct http_request *q, const struct http_response *r, const struct err *cause,
                    void *arg)
{
    struct engine_call *call = arg;
    struct err err;

    call->q = NULL;
    if (r != NULL) {
        take_reply(call, r);
    }
    if (cause != NULL) {
        docker_explain(call->d, cause, http_request_layer(q), &err);
        docker_call_finish(call, &err);
        return;
    }
    if (call->stream != NULL) { /* hijacked: goes on */
        if (call->h.on_open != NULL) {
            call->h.on_open(call->arg, &call->reply);
        }
        return;
    }
    assert(r != NULL);
    if (r->status >= 400) {
        docker_refusal(&call->d->base.traits, r->status, r->body, r->body_len, &err);
        docker_call_finish(call, &err);
        return;
    }
    if (call->mode == ENGINE_COLLECT && r->body_len > 0 &&
        (str_starts(call->reply_type, "application/json") || r->body[0] == '{' ||
         r->body[0] == '[')) {
        call->reply.json = json_loadb(r->body, r->body_len, JSON_DECODE_ANY, NULL);
    }
    json_t *json = call->reply.json;
    docker_call_finish(call, NULL);
    json_decref(json);
}

/* --- the request --- */

static long produce(char *buf, size_t cap, void *arg, struct err *err)
{
    struct engine_call *call = arg;
    return call->produce(call->produce_arg, buf, cap, err);
}

void docker_call_send(struct engine_call *call)
{
    static const struct http_handlers handlers = {
        .on_head = on_head, .on_data = on_data, .on_hijack = on_hijack, .on_done = on_done};
    struct http_header headers[4];
    size_t count = 0;
    CLEANUP_FREE char *path = xasprintf("/v1.%d%s", call->d->base.traits.api_minor, call->target);

    headers[count++] = (struct http_header){"User-Agent", "fettle/" FETTLE_VERSION};
    if (call->content_type != NULL) {
        headers[count++] = (struct http_header){"Content-Type", call->content_type};
    }
    if (call->registry_auth != NULL) {
        headers[count++] = (struct http_header){"X-Registry-Auth", call->registry_auth};
    }
    if (call->registry_config != NULL) {
        headers[count++] = (struct http_header){"X-Registry-Config", call->registry_config};
    }
    struct http_request_spec spec = {
        .method = call->method,
        .path = path,
        .headers = headers,
        .header_count = count,
        .body = call->has_body ? buf_text(&call->body) : NULL,
        .body_len = call->body.len,
        .body_fn = call->produce == NULL ? NULL : produce,
        .flags = call->mode == ENGINE_STREAM   ? HTTP_STREAM
                 : call->mode == ENGINE_HIJACK ? HTTP_HIJACK
                                               : 0,
        .deadline = call->deadline,
        .head_deadline = call->mode == ENGINE_HIJACK
                             ? clock_add(ev_now(call->d->loop), HIJACK_TIMEOUT)
                             : 0,
        .max_body = call->max_reply,
    };
    call->q = http_request_start(call->d->http, &spec, &handlers, call);
    buf_release(&call->body);
}

static int dump_to_buf(const char *data, size_t len, void *arg)
{
    buf_append(arg, data, len);
    return 0;
}

static void copy_request(struct engine_call *call, const struct engine_request *r)
{
    call->method = xstrdup(r->method);
    call->target = str_empty(r->query) ? xstrdup(r->path) : xasprintf("%s?%s", r->path, r->query);
    call->mode = r->mode;
    call->deadline = r->deadline == 0 ? CLOCK_NEVER : r->deadline;
    call->max_reply = r->max_reply;
    call->produce = r->produce;
    call->produce_arg = r->produce_arg;
    call->registry_auth = xstrdup(r->registry_auth);
    call->registry_config = xstrdup(r->registry_config);
    if (r->json != NULL) {
        json_dump_callback(r->json, dump_to_buf, &call->body, JSON_COMPACT | JSON_ENCODE_ANY);
        call->content_type = xstrdup("application/json");
        call->has_body = true;
    } else if (r->raw != NULL) {
        buf_append(&call->body, r->raw, r->raw_len);
        call->has_body = true;
    }
    if (call->content_type == NULL && (r->raw != NULL || r->produce != NULL)) {
        call->content_type = xstrdup(r->content_type == NULL ? "application/x-tar"
                                                             : r->content_type);
    }
}

struct engine_call *docker_call(struct engine_transport *t, const struct engine_request *request,
                                const struct engine_handlers *handlers, void *arg)
{
    struct docker *d = (struct docker *)(void *)t;
    struct engine_call *call = xcalloc(1, sizeof(*call));

    call->d = d;
    call->h = *handlers;
    call->arg = arg;
    call->kick = ev_timer_new(d->loop, on_kick, call);
    copy_request(call, request);
    vec_push(&d->calls, call);
    if (call->body.failed) {
        err_set(&call->err, ERR_TOO_BIG, "the request body is larger than its limit");
        ev_timer_set(call->kick, 0);
    } else if (d->state == DOCKER_READY) {
        docker_call_send(call);
    } else if (d->state == DOCKER_NEW) {
        docker_ping(d);
    }
    return call;
}

void docker_cancel(struct engine_call *call)
{
    if (call->finished || call->err.code != ERR_NONE) {
        return;
    }
    if (call->q != NULL) {
        http_request_cancel(call->q);
        return;
    }
    err_set(&call->err, ERR_CANCELLED, "the call was cancelled");
    ev_timer_set(call->kick, 0);
}

bool docker_write(struct engine_call *call, const void *data, size_t len)
{
    if (call->stream == NULL) {
        return true;
    }
    stream_write(call->stream, data, len);
    return stream_write_room(call->stream) > 0;
}

void docker_close_write(struct engine_call *call)
{
    if (call->stream != NULL) {
        stream_shutdown(call->stream);
    }
}

void docker_pause(struct engine_call *call, bool paused)
{
    if (call->stream != NULL) {
        (paused ? stream_pause : stream_resume)(call->stream);
    } else if (call->q != NULL) {
        (paused ? http_request_pause : http_request_resume)(call->q);
    }
}
