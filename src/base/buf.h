/*
 * A growable byte buffer, always NUL-terminated, with a maximum and a sticky failure: once an
 * append would pass the maximum, `failed` is set and every later append does nothing. Check once.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"

struct buf {
    char *data; /* never NULL after the first append; data[len] == '\0' */
    size_t len, cap;
    size_t max; /* 0 = BUF_MAX_DEFAULT */
    bool failed;
};

#define BUF_MAX_DEFAULT ((size_t)64 << 20)
#define BUF_INIT \
    {            \
        0        \
    }
#define CLEANUP_BUF CLEANUP(buf_release)

void buf_init(struct buf *b, size_t max);
void buf_release(struct buf *b);
/* Empty again, memory kept. */
void buf_clear(struct buf *b);
void buf_append(struct buf *b, const void *data, size_t len);
void buf_str(struct buf *b, const char *s);
void buf_char(struct buf *b, char c);
void buf_repeat(struct buf *b, char c, size_t count);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);
/* Drops `len` bytes from the front. */
void buf_consume(struct buf *b, size_t len);
void buf_truncate(struct buf *b, size_t len);
/* The text, "" when empty; owned by the buffer. */
const char *buf_text(const struct buf *b);
/* Hands the memory to the caller (free() it) and empties the buffer. Never NULL. */
char *buf_steal(struct buf *b);

#endif
