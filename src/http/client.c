/*
 * Requests and the pool: who gets which connection, deadlines, collecting, the one final
 * callback. The bytes are conn.c's business.
 */
#include "http/client.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "http/client_types.h"

/* --- the client --- */

struct http_client *http_client_new(struct ev_loop *loop, const struct http_client_config *config)
{
    struct http_client *c = xcalloc(1, sizeof(*c));
    struct stream_target *t = &c->config.target;

    c->loop = loop;
    c->config = *config;
    c->config.host = xstrdup(config->host == NULL ? "localhost" : config->host);
    t->unix_path = xstrdup(t->unix_path);
    t->host = xstrdup(t->host);
    t->tls_name = xstrdup(t->tls_name);
    t->tls = t->tls == NULL ? NULL : tls_ref(t->tls);
    if (c->config.max_conns == 0) {
        c->config.max_conns = HTTP_CONNS_MAX;
    }
    return c;
}

static void cancel_all(struct http_client *c)
{
    while (c->requests.len > 0) {
        struct http_request *q = c->requests.items[0];
        struct err err;
        err_set(&err, ERR_CANCELLED, "the request was cancelled");
        if (q->conn != NULL) {
            conn_drop(q->conn);
        }
        request_finish(q, &err);
    }
}

void http_client_free(struct http_client *c)
{
    if (c == NULL) {
        return;
    }
    c->config.max_conns = 0; /* nothing new begins */
    cancel_all(c);
    while (c->conns.len > 0) {
        conn_drop(c->conns.items[0]);
    }
    vec_release(&c->conns);
    vec_release(&c->idle);
    vec_release(&c->requests);
    vec_release(&c->waiting);
    tls_unref(c->config.target.tls);
    free((void *)(uintptr_t)c->config.host);
    free((void *)(uintptr_t)c->config.target.unix_path);
    free((void *)(uintptr_t)c->config.target.host);
    free((void *)(uintptr_t)c->config.target.tls_name);
    ev_defer_free(c->loop, c);
}

void http_client_warm(struct http_client *c)
{
    if (c->conns.len == 0) {
        vec_push(&c->idle, conn_open(c));
    }
}

void client_dispatch(struct http_client *c)
{
    while (c->waiting.len > 0) {
        struct http_request *q = c->waiting.items[0];
        struct conn *k = NULL;
        /* A producer's body cannot be sent twice: no connection that may turn out closed. */
        if (c->idle.len > 0 && q->body_fn == NULL && !(q->flags & HTTP_NO_REUSE)) {
            k = vec_pop(&c->idle);
        } else if (c->conns.len >= c->config.max_conns && c->idle.len > 0) {
            conn_drop(c->idle.items[0]);
        }
        if (k == NULL && c->conns.len < c->config.max_conns) {
            k = conn_open(c);
        }
        if (k == NULL) {
            return;
        }
        vec_remove(&c->waiting, q);
        conn_carry(k, q);
    }
}

/* --- the request's way out --- */

static void write_head(struct http_request *q, const struct http_request_spec *spec)
{
    struct buf *b = &q->wire;

    buf_init(b, (size_t)HTTP_HEAD_MAX + spec->body_len + 64);
    buf_printf(b, "%s %s HTTP/1.1\r\nHost: %s\r\n", spec->method, spec->path, q->c->config.host);
    for (size_t i = 0; i < spec->header_count; i++) {
        buf_printf(b, "%s: %s\r\n", spec->headers[i].name, spec->headers[i].value);
    }
    if (q->flags & HTTP_HIJACK) {
        buf_str(b, "Connection: Upgrade\r\nUpgrade: tcp\r\n");
    } else if (q->flags & HTTP_NO_REUSE) {
        buf_str(b, "Connection: close\r\n");
    }
    if (q->chunked) {
        buf_str(b, "Transfer-Encoding: chunked\r\n");
    } else if (q->body_fn != NULL) {
        buf_printf(b, "Content-Length: %lld\r\n", (long long)q->body_left);
    } else if (spec->body != NULL || str_eq(spec->method, "POST") || str_eq(spec->method, "PUT")) {
        buf_printf(b, "Content-Length: %zu\r\n", spec->body_len);
    }
    buf_str(b, "\r\n");
    if (spec->body != NULL && q->body_fn == NULL) {
        buf_append(b, spec->body, spec->body_len);
    }
}

/* Nothing that the caller passes may end a line early. */
static bool is_clean(const char *s)
{
    return s != NULL && strpbrk(s, "\r\n") == NULL;
}

static bool is_valid(const struct http_request_spec *spec)
{
    for (size_t i = 0; i < spec->header_count; i++) {
        if (!is_clean(spec->headers[i].name) || !is_clean(spec->headers[i].value)) {
            return false;
        }
    }
    return is_clean(spec->method) && is_clean(spec->path) && spec->path[0] == '/' &&
           strchr(spec->path, ' ') == NULL;
}

static void request_settle(struct http_request *q, const struct err *err)
{
    if (q->conn != NULL) {
        conn_drop(q->conn);
    }
    request_finish(q, err);
}

static int64_t next_deadline(const struct http_request *q)
{
    return !q->got_head && q->head_deadline < q->deadline ? q->head_deadline : q->deadline;
}

static void on_deadline(void *arg)
{
    struct http_request *q = arg;
    struct err err;

    if (q->err.code != ERR_NONE) { /* decided before the first turn */
        request_settle(q, &q->err);
        return;
    }
    enum stream_layer layer = http_request_layer(q);
    if (q->state == REQUEST_WAITING) {
        err_set(&err, ERR_TIMEOUT, "no free connection in time");
    } else if (layer != STREAM_LAYER_OPEN) {
        err_set(&err, ERR_TIMEOUT, "not connected in time (%s)", stream_layer_name(layer));
    } else {
        err_set(&err, ERR_TIMEOUT,
                q->got_head ? "the answer did not end in time" : "no answer in time");
    }
    request_settle(q, &err);
}

static int64_t or_never(int64_t deadline)
{
    return deadline == 0 ? CLOCK_NEVER : deadline;
}

struct http_request *http_request_start(struct http_client *c, const struct http_request_spec *spec,
                                        const struct http_handlers *h, void *arg)
{
    struct http_request *q = xcalloc(1, sizeof(*q));

    q->c = c;
    q->h = *h;
    q->arg = arg;
    q->method = xstrdup(spec->method);
    q->flags = spec->flags;
    q->deadline = or_never(spec->deadline);
    q->head_deadline = or_never(spec->head_deadline);
    q->idle = spec->idle;
    q->max_body = spec->max_body == 0 ? HTTP_BODY_MAX : spec->max_body;
    q->body_fn = spec->body_fn;
    q->chunked = spec->body_fn != NULL && spec->body_fn_len == 0;
    q->body_left = spec->body_fn_len;
    q->body_ended = spec->body_fn == NULL;
    q->response.body = "";
    q->timer = ev_timer_new(c->loop, on_deadline, q);
    vec_push(&c->requests, q);
    if (is_valid(spec)) {
        write_head(q, spec);
    } else {
        err_set(&q->err, ERR_BUG, "not a valid HTTP request: %s %s", spec->method, spec->path);
    }
    if (q->err.code == ERR_NONE && q->wire.failed) {
        err_set(&q->err, ERR_TOO_BIG, "the head of the request is too long");
    }
    ev_timer_set(q->timer, q->err.code == ERR_NONE ? next_deadline(q) : 0);
    if (q->err.code == ERR_NONE) {
        vec_push(&c->waiting, q);
        client_dispatch(c);
    }
    return q;
}

void request_again(struct http_request *q)
{
    struct conn *k;

    q->state = REQUEST_WAITING;
    if (q->c->config.max_conns == 0) {
        return; /* the client is being freed; cancel_all() ends it */
    }
    k = conn_open(q->c); /* a fresh one: other kept ones are likely closed, too */
    conn_carry(k, q);
}

/* --- the answer's way in --- */

static void copy_headers(struct http_request *q, const struct http_response *r)
{
    struct buf text = BUF_INIT;
    size_t at = 0;

    for (size_t i = 0; i < r->header_count; i++) {
        buf_append(&text, r->headers[i].name, strlen(r->headers[i].name) + 1);
        buf_append(&text, r->headers[i].value, strlen(r->headers[i].value) + 1);
    }
    q->header_text = buf_steal(&text);
    q->headers = xcalloc(r->header_count + 1, sizeof(*q->headers));
    for (size_t i = 0; i < r->header_count; i++) {
        q->headers[i].name = q->header_text + at;
        at += strlen(q->header_text + at) + 1;
        q->headers[i].value = q->header_text + at;
        at += strlen(q->header_text + at) + 1;
    }
}

void request_head(struct http_request *q, const struct http_response *r)
{
    bool good = r->status >= 200 && r->status < 300;

    q->state = REQUEST_READING;
    q->got_head = true;
    copy_headers(q, r);
    q->response = *r;
    q->response.headers = q->headers;
    q->response.body = "";
    q->collect = !(q->flags & (HTTP_STREAM | HTTP_HIJACK)) || !good;
    buf_init(&q->body,
             (q->flags & (HTTP_STREAM | HTTP_HIJACK)) ? HTTP_ERROR_BODY_MAX : q->max_body);
    ev_timer_set(q->timer, next_deadline(q));
    if (q->idle > 0) {
        stream_set_idle(q->conn->stream, q->idle);
    }
    if (!q->collect && (q->flags & HTTP_STREAM) && q->h.on_head != NULL) {
        q->h.on_head(q, &q->response, q->arg);
    }
}

void request_body(struct http_request *q, const char *data, size_t len)
{
    if (q->cancelled || q->err.code != ERR_NONE) {
        return;
    }
    if (!q->collect) {
        if (q->h.on_data != NULL) {
            q->h.on_data(q, data, len, q->arg);
        }
        return;
    }
    buf_append(&q->body, data, len);
    if (!q->body.failed) {
        return;
    }
    if (q->flags & (HTTP_STREAM | HTTP_HIJACK)) { /* what there is of the error text is enough */
        q->body.failed = false;
        return;
    }
    err_set(&q->err, ERR_TOO_BIG, "the answer is larger than %zu bytes", q->max_body);
    ev_timer_set(q->timer, 0);
}

static void destroy(void *arg)
{
    struct http_request *q = arg;

    buf_release(&q->wire);
    buf_release(&q->body);
    free(q->headers);
    free(q->header_text);
    free(q->method);
    free(q);
}

void request_finish(struct http_request *q, const struct err *err)
{
    struct http_client *c = q->c;

    assert(q->state != REQUEST_DONE && q->conn == NULL);
    if (err == NULL && q->err.code != ERR_NONE) {
        err = &q->err;
    }
    q->state = REQUEST_DONE;
    ev_timer_free(q->timer);
    vec_remove(&c->requests, q);
    vec_remove(&c->waiting, q);
    if (q->body.len > 0) {
        q->response.body = q->body.data;
        q->response.body_len = q->body.len;
    }
    if (q->h.on_done != NULL) {
        q->h.on_done(q, q->got_head ? &q->response : NULL, err, q->arg);
    }
    ev_defer(c->loop, destroy, q);
    client_dispatch(c); /* a connection may have become free */
}

void http_request_cancel(struct http_request *q)
{
    if (q->state == REQUEST_DONE || q->state == REQUEST_HIJACKED || q->cancelled) {
        return;
    }
    q->cancelled = true;
    err_set(&q->err, ERR_CANCELLED, "the request was cancelled");
    ev_timer_set(q->timer, 0);
}

void http_request_pause(struct http_request *q)
{
    if (q->conn != NULL) {
        stream_pause(q->conn->stream);
    }
}

void http_request_resume(struct http_request *q)
{
    if (q->conn != NULL) {
        stream_resume(q->conn->stream);
    }
}

void http_request_more(struct http_request *q)
{
    if (q->conn != NULL && q->body_later) {
        conn_send_body(q->conn);
    }
}

enum stream_layer http_request_layer(const struct http_request *q)
{
    return q->conn != NULL ? stream_layer(q->conn->stream) : q->layer;
}

const struct net_addr *http_request_peer(const struct http_request *q)
{
    return q->peer.len == 0 ? NULL : &q->peer;
}
