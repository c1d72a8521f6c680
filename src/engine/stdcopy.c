/*
 * Splits the engine's streams: multiplexed output into stdout and stderr, progress and events into
 * JSON values. Pure; every byte comes from outside.
 */
#include "engine/stdcopy.h"

#include <string.h>

enum { JSON_LINE_MAX = 1 << 20 };

void stdcopy_init(struct stdcopy *c, bool raw)
{
    *c = (struct stdcopy){.raw = raw, .stream = STDCOPY_STDOUT};
}

void stdcopy_release(struct stdcopy *c)
{
    (void)c; /* nothing is allocated; the pair of names stays whole */
}

/* False when these eight bytes cannot be a frame's header. */
static bool read_header(struct stdcopy *c)
{
    const unsigned char *h = c->header;
    if (h[0] > STDCOPY_SYSTEM || h[1] || h[2] || h[3]) {
        return false;
    }
    c->stream = h[0];
    c->left = (uint32_t)h[4] << 24 | (uint32_t)h[5] << 16 | (uint32_t)h[6] << 8 | h[7];
    c->header_len = 0;
    return true;
}

void stdcopy_feed(struct stdcopy *c, const void *data, size_t len, stdcopy_fn *fn, void *arg)
{
    const unsigned char *p = data;
    while (len && !c->raw) {
        if (c->left) {
            size_t n = len < c->left ? len : c->left;
            fn(arg, c->stream, p, n);
            c->left -= (uint32_t)n;
            p += n;
            len -= n;
            continue;
        }
        size_t n = sizeof(c->header) - c->header_len;
        n = len < n ? len : n;
        memcpy(c->header + c->header_len, p, n);
        c->header_len += n;
        p += n;
        len -= n;
        if (c->header_len == sizeof(c->header) && !read_header(c)) {
            c->raw = true;
            c->stream = STDCOPY_STDOUT;
            fn(arg, c->stream, c->header, sizeof(c->header));
        }
    }
    if (len) {
        fn(arg, c->stream, p, len);
    }
}

void json_lines_init(struct json_lines *l, size_t max)
{
    *l = (struct json_lines){0};
    buf_init(&l->line, max ? max : JSON_LINE_MAX);
}

void json_lines_release(struct json_lines *l)
{
    buf_release(&l->line);
}

void json_lines_end(struct json_lines *l, json_line_fn *fn, void *arg)
{
    json_t *value = NULL;
    size_t blank = strspn(buf_text(&l->line), " \t\r\n");
    if (l->line.failed || blank < l->line.len) {
        value = l->line.failed ? NULL : json_loadb(l->line.data, l->line.len, 0, NULL);
        if (value) {
            fn(arg, value);
            json_decref(value);
        } else {
            l->dropped++;
        }
    }
    buf_clear(&l->line);
}

void json_lines_feed(struct json_lines *l, const void *data, size_t len, json_line_fn *fn,
                     void *arg)
{
    const char *p = data;
    while (len) {
        const char *end = memchr(p, '\n', len);
        size_t n = end ? (size_t)(end - p) : len;
        buf_append(&l->line, p, n);
        if (!end) {
            return;
        }
        json_lines_end(l, fn, arg);
        p = end + 1;
        len -= n + 1;
    }
}
