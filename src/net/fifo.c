/*
 * The buffers of a stream. Pure; limits are the stream's business.
 */
#include "net/fifo.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { KEEP = 4 << 10 }; /* an empty fifo gives larger memory back: idle streams are many */

void fifo_release(struct fifo *f)
{
    free(f->data);
    *f = (struct fifo){0};
}

char *fifo_reserve(struct fifo *f, size_t len)
{
    if (f->cap - f->off - f->len >= len) {
        return f->data + f->off + f->len;
    }
    if (f->off > 0) {
        memmove(f->data, f->data + f->off, f->len);
        f->off = 0;
    }
    if (f->cap - f->len < len) {
        size_t cap = f->cap < 1024 ? 1024 : f->cap;
        while (cap - f->len < len) {
            cap *= 2;
        }
        f->data = xreallocarray(f->data, cap, 1);
        f->cap = cap;
    }
    return f->data + f->len;
}

void fifo_append(struct fifo *f, const void *data, size_t len)
{
    if (len > 0) {
        memcpy(fifo_reserve(f, len), data, len);
        f->len += len;
    }
}

void fifo_prepend(struct fifo *f, const void *data, size_t len)
{
    if (len == 0) {
        return;
    }
    if (f->off >= len) {
        f->off -= len;
    } else {
        fifo_reserve(f, len);
        memmove(f->data + f->off + len, f->data + f->off, f->len);
    }
    memcpy(f->data + f->off, data, len);
    f->len += len;
}

void fifo_consume(struct fifo *f, size_t len)
{
    assert(len <= f->len);
    f->off += len;
    f->len -= len;
    if (f->len == 0) {
        f->off = 0;
        if (f->cap > KEEP) {
            fifo_release(f);
        }
    }
}
