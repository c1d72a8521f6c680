/*
 * Bytes on their way to one of our standard descriptors, without ever blocking the loop: what the
 * reader does not take now waits in a queue. The descriptor's flags are left alone, for it is
 * shared with others.
 */
#ifndef CMD_OUTFLOW_H
#define CMD_OUTFLOW_H

#include <stddef.h>

#include "base/err.h"

struct ev_loop;
struct outflow;

/*
 * fn(arg, NULL): nothing waits any more, after something had to. fn(arg, err): nobody takes it
 * (err->sys is EPIPE when the reader has gone); comes once, also from inside outflow_write(), and
 * everything from then on is dropped.
 */
struct outflow *outflow_new(struct ev_loop *loop, int fd,
                            void (*fn)(void *arg, const struct err *err), void *arg);
/* Drops what waits. Takes NULL. */
void outflow_free(struct outflow *o);
void outflow_write(struct outflow *o, const void *data, size_t len);
/* How many bytes wait. */
size_t outflow_waiting(const struct outflow *o);

#endif
