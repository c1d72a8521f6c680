/*
 * One HTTP response out of bytes. A thin state around http-parser: collects the head within its
 * limits, passes the body on, and finds out where the message ends. Pure.
 */
#include "http/reader.h"

#include <http_parser.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"

struct http_reader {
    http_parser parser;
    unsigned flags;
    struct http_reader_handlers h;
    void *arg;
    enum http_reader_state state;
    struct http_response response;
    struct buf head; /* names and values, each with its NUL */
    struct {
        size_t name, value;
    } at[HTTP_HEADERS_MAX]; /* offsets into head: it moves while it grows */
    struct http_header headers[HTTP_HEADERS_MAX];
    size_t count;
    size_t head_seen; /* bytes eaten before the body */
    int interim;      /* 1xx answers seen */
    bool in_value;    /* the last header callback was a value */
    bool keep_alive;
    const char *fault; /* why a callback stopped the parser */
    enum err_code fault_code;
};

const char *http_response_header(const struct http_response *r, const char *name)
{
    for (size_t i = 0; i < r->header_count; i++) {
        if (str_eq_nocase(r->headers[i].name, name)) {
            return r->headers[i].value;
        }
    }
    return NULL;
}

static int fault(struct http_reader *r, enum err_code code, const char *text)
{
    r->fault_code = code;
    r->fault = text;
    return -1;
}

static int on_begin(http_parser *p)
{
    struct http_reader *r = p->data;

    buf_clear(&r->head);
    r->count = 0;
    r->in_value = false;
    return 0;
}

static int on_field(http_parser *p, const char *at, size_t len)
{
    struct http_reader *r = p->data;

    if (r->count == 0 || r->in_value) {
        if (r->count == HTTP_HEADERS_MAX) {
            return fault(r, ERR_TOO_BIG, "too many headers");
        }
        if (r->in_value) {
            buf_append(&r->head, "", 1);
        }
        r->at[r->count].name = r->head.len;
        r->at[r->count].value = 0;
        r->count++;
        r->in_value = false;
    }
    buf_append(&r->head, at, len);
    return r->head.failed ? fault(r, ERR_TOO_BIG, "the headers are too long") : 0;
}

static int on_value(http_parser *p, const char *at, size_t len)
{
    struct http_reader *r = p->data;

    if (!r->in_value) {
        buf_append(&r->head, "", 1);
        r->at[r->count - 1].value = r->head.len;
        r->in_value = true;
    }
    buf_append(&r->head, at, len);
    return r->head.failed ? fault(r, ERR_TOO_BIG, "the headers are too long") : 0;
}

/* http-parser: 0 = a body may follow, 1 = no body, 2 = no body and no more HTTP. */
static int on_headers(http_parser *p)
{
    struct http_reader *r = p->data;
    struct http_response *head = &r->response;

    buf_append(&r->head, "", 1);
    if (r->head.failed) {
        return fault(r, ERR_TOO_BIG, "the headers are too long");
    }
    if (p->status_code < 200 && p->status_code != 101) {
        return ++r->interim > HTTP_INTERIM_MAX ? fault(r, ERR_PROTOCOL, "too many 1xx answers") : 0;
    }
    for (size_t i = 0; i < r->count; i++) {
        r->headers[i].name = r->head.data + r->at[i].name;
        /* A header without a value callback has an empty one: the NUL that ends its name. */
        r->headers[i].value = r->at[i].value == 0 ? r->headers[i].name + strlen(r->headers[i].name)
                                                  : r->head.data + r->at[i].value;
    }
    head->status = p->status_code;
    head->headers = r->headers;
    head->header_count = r->count;
    head->chunked = (p->flags & F_CHUNKED) != 0;
    head->content_length = p->content_length > INT64_MAX ? -1 : (int64_t)p->content_length;
    bool raw = p->status_code == 101 ||
               (p->status_code == 200 && !head->chunked && head->content_length < 0);
    if (p->status_code == 101 && !(r->flags & HTTP_READ_HIJACK)) {
        return fault(r, ERR_PROTOCOL, "switches protocols without being asked");
    }
    bool hijacked = (r->flags & HTTP_READ_HIJACK) && raw;
    r->state = hijacked ? HTTP_READER_HIJACKED : HTTP_READER_BODY;
    if (r->h.on_head != NULL) {
        r->h.on_head(head, r->arg);
    }
    if (hijacked) {
        return 2;
    }
    /* http-parser would wait for the length that a 304 tells about what it does not send. */
    bool bodiless = p->status_code == 204 || p->status_code == 304;
    return bodiless || (r->flags & HTTP_READ_NO_BODY) ? 1 : 0;
}

static int on_body(http_parser *p, const char *at, size_t len)
{
    struct http_reader *r = p->data;

    if (r->h.on_body != NULL && len > 0) {
        r->h.on_body(at, len, r->arg);
    }
    return 0;
}

static int on_complete(http_parser *p)
{
    struct http_reader *r = p->data;

    if (r->state == HTTP_READER_BODY) {
        r->keep_alive = http_should_keep_alive(p) != 0;
        r->state = HTTP_READER_DONE;
        http_parser_pause(p, 1); /* eat nothing of what follows */
    }
    return 0;
}

static const http_parser_settings settings = {
    .on_message_begin = on_begin,
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_headers_complete = on_headers,
    .on_body = on_body,
    .on_message_complete = on_complete,
};

struct http_reader *http_reader_new(unsigned flags, const struct http_reader_handlers *h, void *arg)
{
    struct http_reader *r = xcalloc(1, sizeof(*r));

    r->flags = flags;
    r->h = *h;
    r->arg = arg;
    r->response.content_length = -1;
    r->response.body = "";
    buf_init(&r->head, HTTP_HEAD_MAX);
    http_parser_set_max_header_size(HTTP_HEAD_MAX);
    http_parser_init(&r->parser, HTTP_RESPONSE);
    r->parser.data = r;
    return r;
}

void http_reader_free(struct http_reader *r)
{
    if (r != NULL) {
        buf_release(&r->head);
        free(r);
    }
}

/* What the first bytes of something that is not HTTP look like, for the message. */
static void show_start(const char *data, size_t len, char *out, size_t size)
{
    size_t n = 0;

    for (size_t i = 0; i < len && i < 24 && n + 1 < size; i++) {
        out[n++] = data[i] >= ' ' && data[i] <= '~' ? data[i] : '.';
    }
    out[n] = '\0';
}

static int parse_failed(struct http_reader *r, const char *data, size_t len, struct err *err)
{
    enum http_errno code = HTTP_PARSER_ERRNO(&r->parser);
    char start[32];

    if (r->fault != NULL) {
        return err_set(err, r->fault_code, "HTTP answer: %s", r->fault);
    }
    if (code == HPE_HEADER_OVERFLOW) {
        return err_set(err, ERR_TOO_BIG, "HTTP answer: the headers are longer than %d bytes",
                       (int)HTTP_HEAD_MAX);
    }
    if (r->state == HTTP_READER_HEAD && r->count == 0) {
        show_start(data, len, start, sizeof(start));
        return err_set(err, ERR_PROTOCOL, "not an HTTP answer (it begins with \"%s\")", start);
    }
    return err_set(err, ERR_PROTOCOL, "HTTP answer: %s", http_errno_description(code));
}

int http_reader_feed(struct http_reader *r, const char *data, size_t len, size_t *ret_used,
                     struct err *err)
{
    if (r->state == HTTP_READER_DONE || r->state == HTTP_READER_HIJACKED || len == 0) {
        *ret_used = 0;
        return 0;
    }
    size_t used = http_parser_execute(&r->parser, &settings, data, len);
    enum http_errno code = HTTP_PARSER_ERRNO(&r->parser);
    if (code != HPE_OK && code != HPE_PAUSED) {
        return parse_failed(r, data, len, err);
    }
    if (r->state == HTTP_READER_HEAD) {
        r->head_seen += used;
        if (r->head_seen > (size_t)HTTP_HEAD_MAX * 2) { /* endless 1xx answers */
            return err_set(err, ERR_TOO_BIG, "HTTP answer: the headers are longer than %d bytes",
                           (int)HTTP_HEAD_MAX);
        }
    }
    *ret_used = used;
    return 0;
}

int http_reader_eof(struct http_reader *r, struct err *err)
{
    if (r->state == HTTP_READER_DONE || r->state == HTTP_READER_HIJACKED) {
        return 0;
    }
    http_parser_execute(&r->parser, &settings, NULL, 0);
    if (r->state == HTTP_READER_DONE) {
        r->keep_alive = false;
        return 0;
    }
    if (r->state == HTTP_READER_HEAD && r->head_seen == 0) {
        return err_set(err, ERR_IO, "the peer closed the connection without an answer");
    }
    return err_set(err, ERR_IO, "the peer closed the connection in the middle of the answer");
}

enum http_reader_state http_reader_state(const struct http_reader *r)
{
    return r->state;
}

const struct http_response *http_reader_response(const struct http_reader *r)
{
    return &r->response;
}

bool http_reader_keep_alive(const struct http_reader *r)
{
    return r->keep_alive;
}
