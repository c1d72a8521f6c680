/*
 * HTTP: the reader from memory (transcripts, whole and one byte at a time), and the client against
 * a scripted peer: keep-alive, retry, chunked both ways, limits, deadlines, hijack, cancel.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "http/client.h"
#include "support/peer.h"

/* --- the reader --- */

struct told {
    struct buf body;
    int heads, status;
};

static void on_head(const struct http_response *r, void *arg)
{
    struct told *t = arg;
    t->heads++;
    t->status = r->status;
}

static void on_body(const char *data, size_t len, void *arg)
{
    buf_append(&((struct told *)arg)->body, data, len);
}

static const struct http_reader_handlers telling = {on_head, on_body};

struct transcript {
    const char *name, *bytes;
    unsigned flags;
    bool eof; /* the peer closes afterwards */
    int status;
    const char *body;
    enum http_reader_state state;
    bool keep_alive;
    size_t rest; /* bytes that belong to somebody else */
    enum err_code error;
};

#define DONE HTTP_READER_DONE

static const struct transcript transcripts[] = {
    {"length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 0, false, 200, "hello", DONE,
     true, 0, 0},
    {"chunked",
     "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n"
     "0\r\nTrailer: t\r\n\r\n",
     0, false, 201, "abc0123456789", DONE, true, 0, 0},
    {"close", "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nall of it", 0, true, 200,
     "all of it", DONE, false, 0, 0},
    {"http 1.0", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab", 0, false, 200, "ab", DONE, false,
     0, 0},
    {"connection close", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nab", 0,
     false, 200, "ab", DONE, false, 0, 0},
    {"no content", "HTTP/1.1 204 No Content\r\nApi-Version: 1.41\r\n\r\n", 0, false, 204, "", DONE,
     true, 0, 0},
    {"not modified", "HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n", 0, false, 304, "",
     DONE, true, 0, 0},
    {"head", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", HTTP_READ_NO_BODY, false, 200, "",
     DONE, true, 0, 0},
    {"interim",
     "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n"
     "Content-Length: 2\r\n\r\nab",
     0, false, 200, "ab", DONE, true, 0, 0},
    {"surplus", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabHTTP/1.1 500 X\r\n\r\n", 0, false,
     200, "ab", DONE, true, 18, 0},
    {"hijack 101",
     "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: "
     "Upgrade\r\nUpgrade: tcp\r\n\r\nraw",
     HTTP_READ_HIJACK, false, 101, "", HTTP_READER_HIJACKED, false, 3, 0},
    {"hijack 200",
     "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n\x01\x02",
     HTTP_READ_HIJACK, false, 200, "", HTTP_READER_HIJACKED, false, 2, 0},
    {"hijack refused", "HTTP/1.1 409 Conflict\r\nContent-Length: 2\r\n\r\nno", HTTP_READ_HIJACK,
     false, 409, "no", DONE, true, 0, 0},
    {"hijack with a length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", HTTP_READ_HIJACK,
     false, 200, "ab", DONE, true, 0, 0},
    {"empty value", "HTTP/1.1 200 OK\r\nX-Empty:\r\nContent-Length: 0\r\n\r\n", 0, false, 200, "",
     DONE, true, 0, 0},
    {"unasked upgrade", "HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n", 0, false,
     0, "", 0, false, 0, ERR_PROTOCOL},
    {"not http", "SSH-2.0-OpenSSH_9.2\r\n", 0, false, 0, "", 0, false, 0, ERR_PROTOCOL},
    {"bad chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 0, false, 200, "",
     0, false, 0, ERR_PROTOCOL},
    {"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 0, false,
     0, "", 0, false, 0, ERR_PROTOCOL},
    {"closed at once", "", 0, true, 0, "", 0, false, 0, ERR_IO},
    {"closed in the head", "HTTP/1.1 200 OK\r\nConte", 0, true, 0, "", 0, false, 0, ERR_IO},
    {"closed in the body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", 0, true, 200, "hel",
     0, false, 0, ERR_IO},
    {"closed in a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", 0, true,
     200, "hel", 0, false, 0, ERR_IO},
};

/* Feeds `step` bytes at a time (0 = all at once). */
static void play(const struct transcript *t, size_t step)
{
    struct told told = {0};
    struct err err = {0};
    struct http_reader *r = http_reader_new(t->flags, &telling, &told);
    size_t len = strlen(t->bytes), at = 0;
    int rc = 0;

    while (rc == 0 && at < len) {
        size_t used = 0, n = step == 0 || len - at < step ? len - at : step;
        rc = http_reader_feed(r, t->bytes + at, n, &used, &err);
        at += rc == 0 ? used : 0;
        if (rc == 0 && used < n) {
            break;
        }
        if (http_reader_state(r) == DONE || http_reader_state(r) == HTTP_READER_HIJACKED) {
            break;
        }
    }
    if (rc == 0 && t->eof) {
        rc = http_reader_eof(r, &err);
    }
    if (-rc != (int)t->error || told.status != t->status ||
        !str_eq(buf_text(&told.body), t->body)) {
        fail_msg("%s, step %zu: rc %d (%s), status %d, body \"%s\"", t->name, step, rc, err.message,
                 told.status, buf_text(&told.body));
    }
    if (t->error == ERR_NONE &&
        (http_reader_state(r) != t->state || http_reader_keep_alive(r) != t->keep_alive ||
         len - at != t->rest || told.heads != 1)) {
        fail_msg("%s, step %zu: state %d, keep-alive %d, %zu left, %d heads", t->name, step,
                 (int)http_reader_state(r), http_reader_keep_alive(r), len - at, told.heads);
    }
    buf_release(&told.body);
    http_reader_free(r);
}

static void transcripts_whole_and_in_pieces(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(transcripts); i++) {
        for (size_t step = 0; step < 8; step++) {
            play(&transcripts[i], step);
        }
    }
}

/* Every prefix of a good answer, then the end: never "done", never more than the prefix. */
static void a_cut_answer_is_never_complete(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(transcripts); i++) {
        const struct transcript *t = &transcripts[i];
        size_t len = strlen(t->bytes);
        if (t->error != ERR_NONE || t->eof || t->rest > 0) {
            continue;
        }
        for (size_t cut = 0; cut < len; cut++) {
            struct told told = {0};
            struct err err = {0};
            size_t used;
            struct http_reader *r = http_reader_new(t->flags, &telling, &told);
            assert_int_equal(http_reader_feed(r, t->bytes, cut, &used, &err), 0);
            assert_int_equal(used, cut);
            assert_int_equal(http_reader_eof(r, &err), -ERR_IO);
            buf_release(&told.body);
            http_reader_free(r);
        }
    }
}

static enum err_code feed_all(const struct buf *b, struct err *err)
{
    struct told told = {0};
    size_t used;
    struct http_reader *r = http_reader_new(0, &telling, &told);
    int rc = http_reader_feed(r, b->data, b->len, &used, err);
    buf_release(&told.body);
    http_reader_free(r);
    return (enum err_code) - rc;
}

static void heads_are_bounded(void **state)
{
    (void)state;
    struct err err = {0};
    struct buf b = BUF_INIT;
    buf_str(&b, "HTTP/1.1 200 OK\r\nX: ");
    buf_repeat(&b, 'a', HTTP_HEAD_MAX);
    assert_int_equal(feed_all(&b, &err), ERR_TOO_BIG);
    buf_clear(&b);
    buf_str(&b, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i <= HTTP_HEADERS_MAX; i++) {
        buf_str(&b, "A: b\r\n");
    }
    assert_int_equal(feed_all(&b, &err), ERR_TOO_BIG);
    assert_string_equal(err.message, "HTTP answer: too many headers");
    buf_clear(&b);
    for (int i = 0; i <= HTTP_INTERIM_MAX; i++) {
        buf_str(&b, "HTTP/1.1 100 Continue\r\n\r\n");
    }
    assert_int_equal(feed_all(&b, &err), ERR_PROTOCOL);
    buf_release(&b);
}

static void headers_are_found(void **state)
{
    (void)state;
    const char *text = "HTTP/1.1 200 OK\r\nA:  one \r\nb: two\r\nEmpty:\r\nA: again\r\n"
                       "Content-Length: 0\r\n\r\n";
    struct told told = {0};
    struct err err = {0};
    size_t used;
    struct http_reader *r = http_reader_new(0, &telling, &told);
    assert_int_equal(http_reader_feed(r, text, strlen(text), &used, &err), 0);
    const struct http_response *h = http_reader_response(r);
    assert_int_equal(h->header_count, 5);
    assert_string_equal(http_response_header(h, "a"), "one ");
    assert_string_equal(http_response_header(h, "B"), "two");
    assert_string_equal(http_response_header(h, "empty"), "");
    assert_null(http_response_header(h, "c"));
    assert_int_equal(h->content_length, 0);
    http_reader_free(r);
}

/* --- the client --- */

struct result {
    struct http_request *q;
    int done, heads, status;
    char header[64];
    struct buf body;
    struct err err;
    struct stream *hijacked;
    bool cancel_on_data;
    int produced;
};

static struct ev_loop *loop;
static struct peer peer;
static struct http_client *http;
static int to_finish; /* requests until the loop stops */

static void done(struct http_request *q, const struct http_response *r, const struct err *err,
                 void *arg)
{
    struct result *x = arg;
    (void)q;
    x->done++;
    if (r != NULL) {
        x->status = r->status;
        buf_append(&x->body, r->body, r->body_len);
        const char *value = http_response_header(r, "X-Test");
        snprintf(x->header, sizeof(x->header), "%s", value == NULL ? "" : value);
    }
    if (err != NULL) {
        x->err = *err;
    }
    if (--to_finish <= 0) {
        ev_loop_stop(loop);
    }
}

static void head(struct http_request *q, const struct http_response *r, void *arg)
{
    (void)q;
    (void)r;
    ((struct result *)arg)->heads++;
}

static void data(struct http_request *q, const char *bytes, size_t len, void *arg)
{
    struct result *x = arg;
    buf_append(&x->body, bytes, len);
    if (x->cancel_on_data) {
        http_request_cancel(q);
        http_request_cancel(q);
    }
}

static void hijack(struct http_request *q, struct stream *s, void *arg)
{
    (void)q;
    ((struct result *)arg)->hijacked = s;
}

static const struct http_handlers handlers = {head, data, hijack, done};

static void start(struct result *x, const char *path, struct http_request_spec spec)
{
    buf_release(&x->body);
    *x = (struct result){.cancel_on_data = x->cancel_on_data};
    spec.path = path;
    if (spec.method == NULL) {
        spec.method = "GET";
    }
    if (spec.deadline == 0) {
        spec.deadline = clock_mono() + 20 * NS_PER_SEC;
    }
    to_finish++;
    x->q = http_request_start(http, &spec, &handlers, x);
    assert_int_equal(x->done, 0);
}

static void run(struct result *x, const char *path, struct http_request_spec spec)
{
    to_finish = 0;
    start(x, path, spec);
    ev_loop_run(loop);
    assert_int_equal(x->done, 1);
}

#define GET ((struct http_request_spec){0})

/*
 * The scripted server. Waits for a whole request (head, and a body by length or chunked) and
 * answers by its path.
 */
static struct buf request; /* the last one, whole */

static void say(struct stream *s, const char *text)
{
    stream_write(s, text, strlen(text));
}

static bool is_whole(const char *text)
{
    const char *end = strstr(text, "\r\n\r\n");
    const char *length = strstr(text, "Content-Length: ");
    if (end == NULL) {
        return false;
    }
    if (strstr(text, "chunked") != NULL) {
        return strstr(end, "\r\n0\r\n\r\n") != NULL;
    }
    size_t want = length == NULL ? 0 : (size_t)(length[16] - '0');
    return strlen(end + 4) >= want;
}

static void on_request(struct stream *s, void *arg)
{
    struct peer *p = arg;
    size_t len;
    const char *bytes = stream_in(s, &len);
    CLEANUP_FREE char *text = xstrndup(bytes, len);
    if (!is_whole(text)) {
        return;
    }
    buf_clear(&request);
    buf_str(&request, text);
    stream_consume(s, len);
    const char *path = strchr(text, '/');
    if (str_starts(path, "/plain")) {
        say(s, "HTTP/1.1 200 OK\r\nX-Test: yes\r\nContent-Length: 5\r\n\r\nplain");
    } else if (str_starts(path, "/chunks")) {
        say(s, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n");
        say(s, "0\r\n\r\n");
    } else if (str_starts(path, "/close")) {
        say(s, "HTTP/1.1 200 OK\r\n\r\nuntil the end");
        peer_drop(p, s);
    } else if (str_starts(path, "/error")) {
        say(s, "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnope");
    } else if (str_starts(path, "/drop")) {
        peer_drop(p, s);
    } else if (str_starts(path, "/then-close")) {
        say(s, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        peer_drop(p, s);
    } else if (str_starts(path, "/endless")) {
        say(s, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
    } else if (str_starts(path, "/upgrade")) {
        say(s, "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nearly");
    } else if (str_starts(path, "/cut")) {
        say(s, "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort");
        peer_drop(p, s);
    }
}

static int begin(void **state)
{
    (void)state;
    loop = ev_loop_new();
    peer_init(&peer, loop, 1);
    peer.h.on_data = on_request;
    struct http_client_config config = {.target.unix_path = peer.path, .host = "test"};
    http = http_client_new(loop, &config);
    to_finish = 0;
    return 0;
}

static int end(void **state)
{
    (void)state;
    http_client_free(http);
    http = NULL;
    peer_release(&peer);
    ev_loop_free(loop);
    buf_release(&request);
    return 0;
}

static void connections_are_kept(void **state)
{
    (void)state;
    struct result x = {0};
    run(&x, "/plain?a=b", GET);
    assert_int_equal(x.status, 200);
    assert_string_equal(buf_text(&x.body), "plain");
    assert_string_equal(x.header, "yes");
    assert_string_equal(buf_text(&request), "GET /plain?a=b HTTP/1.1\r\nHost: test\r\n\r\n");
    run(&x, "/chunks", GET);
    assert_string_equal(buf_text(&x.body), "onetwo");
    run(&x, "/error", GET);
    assert_int_equal(x.status, 404);
    assert_int_equal(x.err.code, ERR_NONE);
    assert_string_equal(buf_text(&x.body), "nope");
    assert_int_equal(peer.accepted, 1);
    run(&x, "/close", GET);
    assert_string_equal(buf_text(&x.body), "until the end");
    assert_int_equal(peer.accepted, 1);
    run(&x, "/plain", GET);
    assert_int_equal(peer.accepted, 2);
    buf_release(&x.body);
}

static void bodies_are_sent(void **state)
{
    (void)state;
    struct result x = {0};
    struct http_header json = {"Content-Type", "application/json"};
    run(&x, "/plain",
        (struct http_request_spec){
            .method = "POST", .headers = &json, .header_count = 1, .body = "{}", .body_len = 2});
    assert_string_equal(buf_text(&request),
                        "POST /plain HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"
                        "Content-Length: 2\r\n\r\n{}");
    run(&x, "/plain", (struct http_request_spec){.method = "POST"});
    assert_non_null(strstr(buf_text(&request), "Content-Length: 0\r\n"));
    buf_release(&x.body);
}

static long produce(char *out, size_t cap, void *arg, struct err *err)
{
    struct result *x = arg;
    (void)cap;
    (void)err;
    if (x->produced == 1) {
        x->produced++;
        return HTTP_BODY_LATER;
    }
    if (x->produced > 2) {
        return 0;
    }
    x->produced++;
    memcpy(out, "part ", 5);
    return 5;
}

static void more(void *arg)
{
    http_request_more(((struct result *)arg)->q);
}

static void producers_are_chunked_and_may_wait(void **state)
{
    (void)state;
    struct result x = {0};
    struct ev_timer *t = ev_timer_new(loop, more, &x);
    to_finish = 0;
    start(&x, "/plain", (struct http_request_spec){.method = "PUT", .body_fn = produce});
    ev_timer_set(t, clock_mono() + 3 * NS_PER_MS);
    ev_loop_run(loop);
    ev_timer_free(t);
    assert_int_equal(x.status, 200);
    assert_non_null(strstr(buf_text(&request), "Transfer-Encoding: chunked\r\n\r\n"
                                               "5\r\npart \r\n5\r\npart \r\n0\r\n\r\n"));
    buf_release(&x.body);
}

static long produce_failure(char *out, size_t cap, void *arg, struct err *err)
{
    (void)out;
    (void)cap;
    (void)arg;
    return err_set(err, ERR_IO, "the disk is gone");
}

static void a_failing_producer_fails_the_request(void **state)
{
    (void)state;
    struct result x = {0};
    run(&x, "/plain", (struct http_request_spec){.method = "PUT", .body_fn = produce_failure});
    assert_string_equal(x.err.message, "the disk is gone");
    buf_release(&x.body);
}

static void a_closed_kept_connection_is_replaced(void **state)
{
    (void)state;
    struct result x = {0};
    run(&x, "/then-close", GET);
    assert_string_equal(buf_text(&x.body), "ok");
    /* Our side has not yet noticed that it is closed. */
    run(&x, "/plain", GET);
    assert_int_equal(x.status, 200);
    assert_int_equal(peer.accepted, 2);
    /* Dropped after it read the request: GET is repeated, once. */
    run(&x, "/drop", GET);
    assert_int_equal(peer.accepted, 3);
    assert_int_equal(x.err.code, ERR_IO);
    /* POST is not: it may have been done. */
    run(&x, "/plain", GET);
    int before = peer.accepted;
    run(&x, "/drop", (struct http_request_spec){.method = "POST"});
    assert_int_equal(peer.accepted, before);
    assert_int_equal(x.err.code, ERR_IO);
    assert_null(x.hijacked);
    buf_release(&x.body);
}

static void cut_answers_fail(void **state)
{
    (void)state;
    struct result x = {0};
    run(&x, "/cut", GET);
    assert_int_equal(x.err.code, ERR_IO);
    assert_int_equal(x.status, 200);
    run(&x, "/plain", (struct http_request_spec){.max_body = 4});
    assert_int_equal(x.err.code, ERR_TOO_BIG);
    run(&x, "/plain", (struct http_request_spec){.max_body = 5});
    assert_int_equal(x.err.code, ERR_NONE);
    buf_release(&x.body);
}

static void deadlines_hold(void **state)
{
    (void)state;
    struct result x = {0};
    run(&x, "/silent", (struct http_request_spec){.deadline = clock_mono() + 4 * NS_PER_MS});
    assert_int_equal(x.err.code, ERR_TIMEOUT);
    assert_string_equal(x.err.message, "no answer in time");
    run(&x, "/endless", (struct http_request_spec){.deadline = clock_mono() + 10 * NS_PER_MS});
    assert_string_equal(x.err.message, "the answer did not end in time");
    run(&x, "/endless",
        (struct http_request_spec){.flags = HTTP_STREAM,
                                   .idle = 5 * NS_PER_MS,
                                   .head_deadline = clock_mono() + 10 * NS_PER_SEC});
    assert_int_equal(x.err.code, ERR_TIMEOUT);
    assert_int_equal(x.heads, 1);
    assert_string_equal(buf_text(&x.body), "first");
    buf_release(&x.body);
}

static void streams_are_cancelled_from_inside(void **state)
{
    (void)state;
    struct result x = {.cancel_on_data = true};
    run(&x, "/endless", (struct http_request_spec){.flags = HTTP_STREAM});
    assert_int_equal(x.err.code, ERR_CANCELLED);
    assert_int_equal(x.status, 200);
    assert_string_equal(buf_text(&x.body), "first");
    /* Errors are collected even when a stream was asked for. */
    run(&x, "/error", (struct http_request_spec){.flags = HTTP_STREAM});
    assert_int_equal(x.heads, 0);
    assert_string_equal(buf_text(&x.body), "nope");
    buf_release(&x.body);
}

static void cancelling_tells_once(void **state)
{
    (void)state;
    struct result x = {0};
    to_finish = 0;
    start(&x, "/silent", GET);
    http_request_cancel(x.q);
    assert_int_equal(x.done, 0);
    ev_loop_run(loop);
    assert_int_equal(x.done, 1);
    assert_int_equal(x.err.code, ERR_CANCELLED);
    start(&x, "/silent", GET);
    http_client_free(http); /* tells before it returns */
    http = NULL;
    assert_int_equal(x.done, 1);
    assert_int_equal(x.err.code, ERR_CANCELLED);
    buf_release(&x.body);
}

static void many_wait_in_line(void **state)
{
    (void)state;
    enum { COUNT = 30 };
    static struct result x[COUNT];
    http_client_free(http);
    struct http_client_config config = {
        .target.unix_path = peer.path, .host = "test", .max_conns = 3};
    http = http_client_new(loop, &config);
    http_client_warm(http);
    to_finish = 0;
    for (int i = 0; i < COUNT; i++) {
        start(&x[i], i % 3 == 0 ? "/close" : "/plain", GET);
    }
    ev_loop_run(loop);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(x[i].done, 1);
        assert_int_equal(x[i].status, 200);
        buf_release(&x[i].body);
    }
    assert_true(peer.accepted <= 3 + COUNT / 3 + 1);
}

static void raw_data(struct stream *s, void *arg)
{
    struct result *x = arg;
    size_t len;
    const char *bytes = stream_in(s, &len);
    buf_append(&x->body, bytes, len);
    stream_consume(s, len);
    if (x->body.len >= 9) {
        ev_loop_stop(loop);
    }
}

static void on_raw(struct stream *s, void *arg)
{
    struct peer *p = arg;
    size_t len;
    stream_in(s, &len);
    stream_consume(s, len);
    say(s, "late");
    (void)p;
}

static void hijacked_streams_are_handed_over(void **state)
{
    (void)state;
    struct result x = {0};
    struct stream_handlers raw = {.on_data = raw_data};
    run(&x, "/upgrade", (struct http_request_spec){.method = "POST", .flags = HTTP_HIJACK});
    assert_int_equal(x.err.code, ERR_NONE);
    assert_int_equal(x.status, 101);
    assert_non_null(x.hijacked);
    assert_non_null(strstr(buf_text(&request), "Connection: Upgrade\r\nUpgrade: tcp\r\n"));
    stream_set_handlers(x.hijacked, &raw, &x);
    peer.h.on_data = on_raw;
    stream_set_handlers(peer.conns[0], &peer.h, &peer);
    stream_write(x.hijacked, "hi", 2);
    ev_loop_run(loop);
    assert_string_equal(buf_text(&x.body), "earlylate");
    stream_free(x.hijacked);
    peer.h.on_data = on_request;
    run(&x, "/error", (struct http_request_spec){.method = "POST", .flags = HTTP_HIJACK});
    assert_null(x.hijacked);
    assert_string_equal(buf_text(&x.body), "nope");
    buf_release(&x.body);
}

static void bad_requests_are_not_sent(void **state)
{
    (void)state;
    struct result x = {0};
    struct http_header evil = {"X", "a\r\nY: b"};
    run(&x, "/a b", GET);
    assert_int_equal(x.err.code, ERR_BUG);
    run(&x, "/a\r\nX: y", GET);
    assert_int_equal(x.err.code, ERR_BUG);
    run(&x, "/a", (struct http_request_spec){.headers = &evil, .header_count = 1});
    assert_int_equal(x.err.code, ERR_BUG);
    assert_int_equal(peer.accepted, 0);
    buf_release(&x.body);
}

static void nobody_listens(void **state)
{
    (void)state;
    struct result x = {0};
    http_client_free(http);
    struct http_client_config config = {.target.unix_path = "/tmp/no/such/thing", .host = "test"};
    http = http_client_new(loop, &config);
    run(&x, "/plain", GET);
    assert_int_equal(x.err.code, ERR_IO);
    assert_int_equal(x.status, 0);
    buf_release(&x.body);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transcripts_whole_and_in_pieces),
        cmocka_unit_test(a_cut_answer_is_never_complete),
        cmocka_unit_test(heads_are_bounded),
        cmocka_unit_test(headers_are_found),
        T(connections_are_kept),
        T(bodies_are_sent),
        T(producers_are_chunked_and_may_wait),
        T(a_failing_producer_fails_the_request),
        T(a_closed_kept_connection_is_replaced),
        T(cut_answers_fail),
        T(deadlines_hold),
        T(streams_are_cancelled_from_inside),
        T(cancelling_tells_once),
        T(many_wait_in_line),
        T(hijacked_streams_are_handed_over),
        T(bad_requests_are_not_sent),
        T(nobody_listens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
