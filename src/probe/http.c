/*
 * HTTP/1.1: one request, then the status, a header and the body are held against the spec. The
 * response is parsed by http-parser. The answer is judged as soon as it can be: without a body to
 * look for, at the end of the headers, so that a stream that never ends does no harm.
 * Owns no socket; driven by probe_step().
 */
#include <http_parser.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "probe/machine.h"

enum { HEADERS_MAX = 64 << 10, BODY_MAX = 1 << 20, STATUS_REASON_MAX = 48 };

struct http {
    struct probe_machine m;
    http_parser parser;
    bool started, sent, complete, headers_done, header_found, body_found, any_byte, is_tls;
    char reason[STATUS_REASON_MAX];
    struct buf field, value; /* the header that is being read */
    struct buf body;
};

static struct http *http_of(struct probe_machine *m)
{
    return CONTAINER_OF(m, struct http, m);
}

static const char *http_stage(const struct probe_machine *m)
{
    return ((const struct http *)(const void *)m)->headers_done ? "the body" : "the answer";
}

static void http_init(struct probe_machine *m)
{
    struct http *h = http_of(m);
    http_parser_init(&h->parser, HTTP_RESPONSE);
    h->parser.data = h;
    buf_init(&h->field, 256);
    buf_init(&h->value, HEADERS_MAX);
    buf_init(&h->body, BODY_MAX);
}

static void http_release(struct probe_machine *m)
{
    struct http *h = http_of(m);
    buf_release(&h->field);
    buf_release(&h->value);
    buf_release(&h->body);
}

/* --- the parser's callbacks --- */

/* Does "Name: text" of the spec fit the header just read? Without a colon, the name is enough. */
static void check_header(struct http *h)
{
    const char *want = h->m.spec->header;
    if (want && h->field.len > 0 && !h->field.failed) {
        const char *colon = strchr(want, ':');
        size_t n = colon ? (size_t)(colon - want) : strlen(want);
        const char *text = colon ? colon + 1 : "";
        while (*text == ' ') {
            text++;
        }
        if (h->field.len == n && strncasecmp(h->field.data, want, n) == 0 &&
            strstr(buf_text(&h->value), text)) {
            h->header_found = true;
        }
    }
    h->field.failed = h->value.failed = false;
    buf_clear(&h->field);
    buf_clear(&h->value);
}

static int on_status(http_parser *p, const char *at, size_t len)
{
    struct http *h = p->data;
    size_t have = strlen(h->reason);
    size_t n = len < sizeof(h->reason) - 1 - have ? len : sizeof(h->reason) - 1 - have;
    memcpy(h->reason + have, at, n);
    h->reason[have + n] = '\0';
    return 0;
}

static int on_field(http_parser *p, const char *at, size_t len)
{
    struct http *h = p->data;
    if (h->value.len > 0) {
        check_header(h);
    }
    buf_append(&h->field, at, len);
    return 0;
}

static int on_value(http_parser *p, const char *at, size_t len)
{
    struct http *h = p->data;
    buf_append(&h->value, at, len);
    return 0;
}

static int on_headers(http_parser *p)
{
    struct http *h = p->data;
    check_header(h);
    if (p->status_code < 200 && p->status_code != 101) {
        return 1; /* an interim answer has no body; the real one follows */
    }
    h->headers_done = true;
    return h->m.spec->method && strcmp(h->m.spec->method, "HEAD") == 0 ? 1 : 0;
}

static int on_body(http_parser *p, const char *at, size_t len)
{
    struct http *h = p->data;
    size_t room = BODY_MAX - h->body.len;
    buf_append(&h->body, at, len < room ? len : room);
    return 0;
}

static int on_complete(http_parser *p)
{
    struct http *h = p->data;
    if (h->headers_done) {
        h->complete = true;
        http_parser_pause(p, 1); /* what follows the answer is of no interest */
    } else {
        h->reason[0] = '\0';
    }
    return 0;
}

static const http_parser_settings settings = {
    .on_status = on_status,
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_headers_complete = on_headers,
    .on_body = on_body,
    .on_message_complete = on_complete,
};

/* --- the request --- */

/* Printable ASCII without blanks, or with them where they are allowed: nothing that could end a
 * line and start another header. */
static bool is_clean(const char *s, bool blanks)
{
    for (const unsigned char *p = (const unsigned char *)s; *p; p++) {
        if (*p < ' ' || *p == 0x7f || (*p == ' ' && !blanks)) {
            return false;
        }
    }
    return true;
}

static void put_basic_auth(const struct probe_spec *spec, struct buf *out);

static enum probe_want send_request(struct http *h, struct buf *out, struct outcome *ret)
{
    const struct probe_spec *spec = h->m.spec;
    const char *method = spec->method ? spec->method : "GET";
    const char *path = spec->path ? spec->path : "/";
    const char *host = spec->http_host ? spec->http_host : h->m.host;
    if (!is_clean(method, false) || !is_clean(path, false) || !is_clean(host, false) ||
        (*path != '/' && strcmp(path, "*") != 0) || !*method) {
        return probe_finish(ret, VERDICT_NEVER, LAYER_CONFIG, "config",
                            "the probe's method, path or host is not fit for a request line");
    }
    /* A Unix socket's path is no host name. */
    buf_printf(out,
               "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: fettle/" FETTLE_VERSION
               "\r\nAccept: */*\r\nConnection: close\r\n",
               method, path, *host == '/' ? "localhost" : host);
    if (spec->user && spec->password) {
        put_basic_auth(spec, out);
    }
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        buf_str(out, "Content-Length: 0\r\n");
    }
    buf_str(out, "\r\n");
    h->sent = true;
    return PROBE_WANT_READ;
}

static void put_basic_auth(const struct probe_spec *spec, struct buf *out)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    CLEANUP_BUF struct buf plain = BUF_INIT;
    buf_printf(&plain, "%s:%s", spec->user, spec->password);
    buf_str(out, "Authorization: Basic ");
    for (size_t i = 0; i < plain.len; i += 3) {
        size_t n = plain.len - i < 3 ? plain.len - i : 3;
        unsigned char t[3] = {0};
        memcpy(t, plain.data + i, n);
        buf_char(out, alphabet[t[0] >> 2]);
        buf_char(out, alphabet[(t[0] & 3) << 4 | t[1] >> 4]);
        buf_char(out, n > 1 ? alphabet[(t[1] & 15) << 2 | t[2] >> 6] : '=');
        buf_char(out, n > 2 ? alphabet[t[2] & 63] : '=');
    }
    buf_str(out, "\r\n");
    mem_wipe(plain.data, plain.len);
}

/* --- the verdict --- */

static bool status_fits(const struct probe_spec *spec, unsigned status)
{
    int from = spec->status.from ? spec->status.from : 200;
    int to = spec->status.from ? spec->status.to : 399;
    return (int)status >= from && (int)status <= to;
}

static const char *status_hint(const struct http *h)
{
    switch (h->parser.status_code) {
    case 400:
        return "; a 400 on a health path often means that the Host header is not allowed";
    case 401:
    case 403:
        return "; alive, but the path wants a login: probe one that does not";
    case 404:
        return "; alive, but no such path";
    case 405:
        return "; alive, but not this method";
    case 421:
        return "; the Host header is not served here";
    case 429:
        return "; the probe is rate limited";
    case 502:
        return "; the proxy does not reach what is behind it";
    case 504:
        return "; what is behind the proxy is too slow";
    default:
        return "";
    }
}

static bool is_https_port(const struct http *h)
{
    const char *text = buf_text(&h->body);
    return h->parser.status_code == 400 && !h->is_tls &&
           (strstr(text, "plain HTTP request was sent to HTTPS port") ||
            strstr(text, "HTTP request to an HTTPS server"));
}

static enum probe_want bad_status(struct http *h, struct outcome *ret)
{
    char code[16], excerpt[72], reason[STATUS_REASON_MAX];
    unsigned status = h->parser.status_code;
    snprintf(code, sizeof(code), "http-%u", status);
    if (is_https_port(h)) {
        return probe_finish(ret, VERDICT_NEVER, LAYER_PROTOCOL, "https",
                            "this is an HTTPS port and the probe speaks plain HTTP: use https://");
    }
    /* A page in HTML says little in seventy characters. */
    const char *body = buf_text(&h->body);
    size_t len = *body == '<' ? 0 : h->body.len < 4096 ? h->body.len : 4096;
    probe_peer_text(&h->m, body, len, excerpt, sizeof(excerpt));
    probe_peer_text(&h->m, h->reason, strlen(h->reason), reason, sizeof(reason));
    enum probe_layer layer = status == 401 || status == 403 ? LAYER_AUTH : LAYER_APP;
    return probe_finish(ret, VERDICT_NOT_YET, layer, code, "HTTP %u%s%s%s%s%s", status,
                        *reason ? " " : "", reason, status_hint(h), *excerpt ? ": " : "", excerpt);
}

static enum probe_want judge(struct http *h, struct outcome *ret)
{
    const struct probe_spec *spec = h->m.spec;
    char reason[STATUS_REASON_MAX];
    unsigned status = h->parser.status_code;
    if (!status_fits(spec, status)) {
        return bad_status(h, ret);
    }
    if (spec->header && !h->header_found) {
        return probe_finish(ret, VERDICT_NOT_YET, LAYER_APP, "header",
                            "HTTP %u, but without the header \"%s\"", status, spec->header);
    }
    if (spec->body && *spec->body && !h->body_found) {
        return probe_finish(ret, VERDICT_NOT_YET, LAYER_APP, "body",
                            "HTTP %u, but the body%s lacks the text asked for", status,
                            h->body.len >= BODY_MAX ? " (its first MiB)" : "");
    }
    probe_peer_text(&h->m, h->reason, strlen(h->reason), reason, sizeof(reason));
    const char *path = spec->path ? spec->path : "/"; /* a query may hold a token */
    const char *more = spec->header && spec->body ? ", header and body fit"
                       : spec->header             ? ", header fits"
                       : spec->body               ? ", body fits"
                                                  : "";
    return probe_finish(ret, VERDICT_READY, LAYER_APP, "", "%s %.*s answers %u%s%s%s",
                        spec->method ? spec->method : "GET", (int)strcspn(path, "?"), path, status,
                        *reason ? " " : "", reason, more);
}

static bool can_judge(struct http *h)
{
    const char *want = h->m.spec->body;
    if (!h->headers_done) {
        return false;
    }
    if (str_empty(want) || !status_fits(h->m.spec, h->parser.status_code) || h->complete) {
        h->body_found = h->body.len > 0 && want &&
                        memmem(h->body.data, h->body.len, want, strlen(want)) != NULL;
        return true;
    }
    h->body_found = h->body.len > 0 && memmem(h->body.data, h->body.len, want, strlen(want));
    return h->body_found || h->body.len >= BODY_MAX;
}

static enum probe_want parse(struct http *h, struct outcome *ret)
{
    struct buf *in = &h->m.in;
    if (in->len > 0) {
        h->any_byte = true;
        http_parser_execute(&h->parser, &settings, in->data, in->len);
        enum http_errno e = HTTP_PARSER_ERRNO(&h->parser);
        if (e != HPE_OK && e != HPE_PAUSED) {
            return probe_garbage(&h->m, ret,
                                 in->data[0] == 0x15        ? "it speaks TLS: use https://"
                                 : e == HPE_HEADER_OVERFLOW ? "its headers are too large"
                                                            : "its answer is no HTTP response");
        }
        buf_clear(in);
    }
    if (h->m.eof && !h->complete && h->headers_done) {
        http_parser_execute(&h->parser, &settings, NULL, 0);
        h->complete = true; /* cut short or not: what came is what is judged */
    }
    if (can_judge(h)) {
        return judge(h, ret);
    }
    if (h->m.eof && !h->any_byte) {
        return probe_finish(ret, VERDICT_NOT_YET, LAYER_PROTOCOL, "empty",
                            "accepts the connection and closes it without an answer");
    }
    return PROBE_WANT_READ;
}

static enum probe_want http_step(struct probe_machine *m, struct buf *out, struct outcome *ret)
{
    struct http *h = http_of(m);
    if (!h->started) {
        h->started = true;
        h->is_tls = m->tls;
        if (m->tls) {
            return PROBE_WANT_TLS;
        }
    }
    if (!h->sent && send_request(h, out, ret) == PROBE_DONE) {
        return PROBE_DONE;
    }
    return parse(h, ret);
}

const struct probe_ops probe_http_ops = {
    .size = sizeof(struct http),
    .max_in = (size_t)2 << 20,
    .name = "HTTP",
    .stage = http_stage,
    .init = http_init,
    .release = http_release,
    .step = http_step,
};
