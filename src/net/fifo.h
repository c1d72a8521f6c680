/* Bytes in at the end, out at the front, without moving what stays at every step. */
#ifndef NET_FIFO_H
#define NET_FIFO_H

#include <stddef.h>

struct fifo {
    char *data;
    size_t off, len, cap; /* len bytes are valid from data + off */
};

void fifo_release(struct fifo *f);
/* Room for at least `len` more bytes at the end; the caller then adds to f->len. */
char *fifo_reserve(struct fifo *f, size_t len);
void fifo_append(struct fifo *f, const void *data, size_t len);
void fifo_prepend(struct fifo *f, const void *data, size_t len);
void fifo_consume(struct fifo *f, size_t len);

#endif
