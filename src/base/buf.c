/*
 * The growable buffer. Pure; used for every text that is put together.
 */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max};
}

void buf_release(struct buf *b)
{
    free(b->data);
    *b = (struct buf){.max = b->max};
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    b->failed = false;
    if (b->data) {
        b->data[0] = '\0';
    }
}

/* Makes room for `extra` bytes and the NUL; false (and sticky) above the maximum. */
static bool reserve(struct buf *b, size_t extra)
{
    size_t max = b->max ? b->max : BUF_MAX_DEFAULT;
    size_t cap = b->cap ? b->cap : 64;
    if (b->failed) {
        return false;
    }
    if (extra > max || b->len > max - extra) {
        b->failed = true;
        return false;
    }
    if (b->len + extra + 1 <= b->cap) {
        return true;
    }
    while (cap < b->len + extra + 1) {
        cap *= 2;
    }
    b->data = xreallocarray(b->data, cap, 1);
    b->cap = cap;
    b->data[b->len] = '\0';
    return true;
}

void buf_append(struct buf *b, const void *data, size_t len)
{
    if (!reserve(b, len)) {
        return;
    }
    if (len) {
        memcpy(b->data + b->len, data, len);
    }
    b->len += len;
    b->data[b->len] = '\0';
}

void buf_str(struct buf *b, const char *s)
{
    buf_append(b, s, strlen(s));
}

void buf_char(struct buf *b, char c)
{
    buf_append(b, &c, 1);
}

void buf_repeat(struct buf *b, char c, size_t count)
{
    if (!reserve(b, count)) {
        return;
    }
    memset(b->data + b->len, c, count);
    b->len += count;
    b->data[b->len] = '\0';
}

void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
    va_list again;
    int n = 0;
    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, ap);
    if (n > 0 && reserve(b, (size_t)n)) {
        vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    }
    va_end(again);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(b, fmt, ap);
    va_end(ap);
}

void buf_consume(struct buf *b, size_t len)
{
    if (len >= b->len) {
        buf_truncate(b, 0);
        return;
    }
    memmove(b->data, b->data + len, b->len - len + 1);
    b->len -= len;
}

void buf_truncate(struct buf *b, size_t len)
{
    if (len <= b->len && b->data) {
        b->len = len;
        b->data[len] = '\0';
    }
}

const char *buf_text(const struct buf *b)
{
    return b->data ? b->data : "";
}

char *buf_steal(struct buf *b)
{
    char *p = b->data ? b->data : xcalloc(1, 1);
    *b = (struct buf){.max = b->max};
    return p;
}
