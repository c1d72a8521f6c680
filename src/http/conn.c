/*
 * One connection of the pool: sends a request, reads its answer, is kept or closed. Knows nothing
 * of deadlines and collecting (request.c). Driven by the callbacks of its stream.
 *
 * A connection is freed at the end of the turn, and every callback of a request may drop it:
 * after each one `k->q` tells whether the exchange still goes on.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "http/client_types.h"

enum { BODY_CHUNK = 16 << 10, CHUNK_HEAD = 16 };

static void on_head(const struct http_response *r, void *arg)
{
    struct conn *k = arg;

    if (k->q != NULL) {
        request_head(k->q, r);
    }
}

static void on_body(const char *data, size_t len, void *arg)
{
    struct conn *k = arg;

    if (k->q != NULL) {
        request_body(k->q, data, len);
    }
}

static const struct http_reader_handlers reader_handlers = {on_head, on_body};

static void forget_request(struct conn *k)
{
    if (k->q != NULL) {
        k->q->layer = stream_layer(k->stream);
        k->q->conn = NULL;
        k->q = NULL;
    }
}

static void destroy(void *arg)
{
    struct conn *k = arg;

    http_reader_free(k->reader); /* may be on the stack until now */
    free(k);
}

/* Takes it out of the pool; the stream is the caller's. */
static void detach(struct conn *k)
{
    vec_remove(&k->c->conns, k);
    vec_remove(&k->c->idle, k);
    forget_request(k);
    ev_defer(k->c->loop, destroy, k);
}

void conn_drop(struct conn *k)
{
    struct stream *s = k->stream;

    detach(k);
    k->stream = NULL;
    stream_free(s);
}

void conn_keep(struct conn *k)
{
    struct http_client *c = k->c;
    size_t unread;

    stream_in(k->stream, &unread);
    bool reusable = http_reader_keep_alive(k->reader) && unread == 0 && !stream_eof(k->stream) &&
                    stream_write_pending(k->stream) == 0 && c->idle.len < HTTP_IDLE_MAX &&
                    k->q->body_ended && !(k->q->flags & HTTP_NO_REUSE);
    if (!reusable) {
        conn_drop(k);
        return;
    }
    forget_request(k);
    k->used = true;
    stream_set_idle(k->stream, 0);
    stream_resume(k->stream);
    vec_push(&c->idle, k);
}

/* --- failing --- */

static bool is_repeatable(const char *method)
{
    return str_eq(method, "GET") || str_eq(method, "HEAD") || str_eq(method, "PUT") ||
           str_eq(method, "DELETE");
}

/*
 * A kept connection that the peer had closed meanwhile: nothing of the answer has come, and either
 * the peer reset it (it never read the request) or doing it twice does no harm.
 */
static bool may_retry(const struct conn *k, const struct err *err)
{
    const struct http_request *q = k->q;
    bool reset = err->sys == EPIPE || err->sys == ECONNRESET;

    return k->used && !q->retried && !q->got_head && q->body_fn == NULL &&
           !(q->flags & HTTP_NO_REUSE) && err->code == ERR_IO &&
           (reset || is_repeatable(q->method));
}

static void fail(struct conn *k, const struct err *err)
{
    struct http_request *q = k->q;
    struct err copy = *err;

    if (q == NULL) { /* a kept one was closed by the peer, or opening ahead failed */
        conn_drop(k);
        return;
    }
    bool again = may_retry(k, err);
    conn_drop(k);
    if (again) {
        q->retried = true;
        request_again(q);
        return;
    }
    request_finish(q, &copy);
}

/* --- reading --- */

static void hand_over(struct conn *k)
{
    struct http_request *q = k->q;
    struct stream *s = k->stream;
    static const struct stream_handlers none = {0};

    q->state = REQUEST_HIJACKED;
    detach(k);
    k->stream = NULL;
    q->layer = STREAM_LAYER_OPEN;
    stream_set_deadline(s, 0);
    stream_set_handlers(s, &none, NULL); /* nobody's until on_hijack sets its own */
    if (q->h.on_hijack != NULL) {
        q->h.on_hijack(q, s, q->arg);
    } else {
        stream_free(s);
    }
    request_finish(q, NULL);
}

static void finish(struct conn *k)
{
    struct http_request *q = k->q;

    conn_keep(k);
    request_finish(q, NULL);
}

static void on_data(struct stream *s, void *arg)
{
    struct conn *k = arg;
    struct err err = {0};
    size_t len, used = 0;
    const char *data = stream_in(s, &len);

    if (k->q == NULL) {
        log_debug("http", "bytes on an idle connection: dropped");
        conn_drop(k);
        return;
    }
    int rc = http_reader_feed(k->reader, data, len, &used, &err);
    if (k->q == NULL || k->q->state == REQUEST_DONE) {
        return; /* dropped by a callback */
    }
    if (rc < 0) {
        fail(k, &err);
        return;
    }
    stream_consume(s, used);
    switch (http_reader_state(k->reader)) {
    case HTTP_READER_DONE:
        finish(k);
        break;
    case HTTP_READER_HIJACKED:
        hand_over(k);
        break;
    default:
        break;
    }
}

static void on_eof(struct stream *s, void *arg)
{
    struct conn *k = arg;
    struct err err = {0};

    (void)s;
    if (k->q == NULL) {
        conn_drop(k);
        return;
    }
    if (http_reader_eof(k->reader, &err) < 0) {
        fail(k, &err);
        return;
    }
    finish(k);
}

static void on_error(struct stream *s, const struct err *err, void *arg)
{
    (void)s;
    fail(arg, err);
}

/* --- sending --- */

/* One portion of a producer's body, framed. False when there is no more for now. */
static bool send_portion(struct conn *k)
{
    struct http_request *q = k->q;
    char portion[CHUNK_HEAD + BODY_CHUNK + 2];
    struct err err = {0};
    long n = q->body_fn(portion + CHUNK_HEAD, BODY_CHUNK, q->arg, &err);

    if (k->q != q) { /* cancelled by the producer */
        return false;
    }
    if (n == HTTP_BODY_LATER) {
        q->body_later = true;
        return false;
    }
    if (n > 0 && !q->chunked && n > q->body_left) {
        n = err_set(&err, ERR_BUG, "the request body is longer than announced");
    }
    if (n == 0 && !q->chunked && q->body_left > 0) {
        n = err_set(&err, ERR_IO, "the request body is shorter than announced");
    }
    if (n < 0) {
        fail(k, &err);
        return false;
    }
    q->body_ended = n == 0;
    if (!q->chunked) {
        q->body_left -= n;
        stream_write(k->stream, portion + CHUNK_HEAD, (size_t)n);
        return n > 0;
    }
    char head[CHUNK_HEAD];
    int len = snprintf(head, sizeof(head), "%lx\r\n", (unsigned long)n);
    memcpy(portion + CHUNK_HEAD - len, head, (size_t)len);
    memcpy(portion + CHUNK_HEAD + n, "\r\n", 2);
    stream_write(k->stream, portion + CHUNK_HEAD - len, (size_t)(len + n + 2));
    return n > 0;
}

void conn_send_body(struct conn *k)
{
    struct http_request *q = k->q;

    q->body_later = false;
    while (!q->body_ended && stream_write_room(k->stream) >= BODY_CHUNK + CHUNK_HEAD + 2) {
        if (!send_portion(k)) {
            return;
        }
    }
}

static void on_open(struct stream *s, void *arg)
{
    struct conn *k = arg;
    const struct net_addr *peer = stream_peer(s);

    if (k->q != NULL && peer != NULL) {
        k->q->peer = *peer;
    }
    if (k->q != NULL && !k->q->body_ended) {
        conn_send_body(k);
    }
}

static void on_drain(struct stream *s, void *arg)
{
    struct conn *k = arg;

    (void)s;
    if (k->q != NULL && !k->q->body_ended && !k->q->body_later) {
        conn_send_body(k);
    }
}

static const struct stream_handlers stream_handlers = {
    .on_open = on_open,
    .on_data = on_data,
    .on_eof = on_eof,
    .on_drain = on_drain,
    .on_error = on_error,
};

static void start_body(void *arg)
{
    struct conn *k = arg;

    if (k->q != NULL && !k->q->body_ended) {
        conn_send_body(k);
    }
}

struct conn *conn_open(struct http_client *c)
{
    struct conn *k = xcalloc(1, sizeof(*k));

    k->c = c;
    if (c->config.connect != NULL) {
        k->stream = c->config.connect(c->loop, &stream_handlers, k, c->config.connect_arg);
    } else {
        struct stream_target target = c->config.target;
        target.deadline = c->config.connect_timeout == 0
                              ? CLOCK_NEVER
                              : clock_add(ev_now(c->loop), c->config.connect_timeout);
        k->stream = stream_connect(c->loop, &target, &stream_handlers, k);
    }
    vec_push(&c->conns, k);
    return k;
}

void conn_carry(struct conn *k, struct http_request *q)
{
    unsigned flags = (str_eq(q->method, "HEAD") ? (unsigned)HTTP_READ_NO_BODY : 0u) |
                     ((q->flags & HTTP_HIJACK) ? (unsigned)HTTP_READ_HIJACK : 0u);
    const struct net_addr *peer = stream_peer(k->stream);

    assert(k->q == NULL);
    k->q = q;
    q->conn = k;
    q->state = REQUEST_SENDING;
    if (peer != NULL) {
        q->peer = *peer;
    }
    http_reader_free(k->reader);
    k->reader = http_reader_new(flags, &reader_handlers, k);
    stream_write(k->stream, q->wire.data, q->wire.len);
    if (!q->body_ended && stream_layer(k->stream) == STREAM_LAYER_OPEN) {
        ev_defer(k->c->loop, start_body, k); /* it may fail, and nobody expects that here */
    }
}
