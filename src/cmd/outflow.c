/*
 * Writes as much as poll(2) says that the descriptor takes. It is a blocking one (making it
 * non-blocking would do so for everybody who has it), so a piece is never longer than what a
 * descriptor that is ready takes at once: PIPE_BUF. A regular file takes any length.
 */
#include "cmd/outflow.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "ev/ev.h"

struct outflow {
    struct ev_loop *loop;
    struct ev_fd *watch;
    struct buf queue;
    size_t at; /* of the queue: written up to here */
    size_t piece;
    int fd;
    bool broken;
    void (*fn)(void *arg, const struct err *err);
    void *arg;
};

/* How much was taken: 0 = nothing now, -1 = never again, see errno. */
static ssize_t put(const struct outflow *o, const char *data, size_t len)
{
    for (;;) {
        struct pollfd p = {.fd = o->fd, .events = POLLOUT};
        int ready = poll(&p, 1, 0);
        ssize_t n = ready > 0 ? write(o->fd, data, len < o->piece ? len : o->piece) : ready;
        if (n >= 0) {
            return n;
        }
        if (errno == EAGAIN) {
            return 0;
        }
        if (errno != EINTR) {
            return -1;
        }
    }
}

static void fail(struct outflow *o)
{
    struct err err = {0};
    int sys = errno;
    o->broken = true;
    buf_release(&o->queue);
    o->at = 0;
    ev_fd_want(o->watch, EV_WANT_NONE);
    err_sys(&err, sys, "writing to standard %s", o->fd == STDERR_FILENO ? "error" : "output");
    o->fn(o->arg, &err);
}

/* Returns how much of data went out, all of it when nobody takes it any more. */
static size_t push(struct outflow *o, const char *data, size_t len)
{
    size_t done = 0;
    while (done < len) {
        ssize_t n = put(o, data + done, len - done);
        if (n < 0) {
            fail(o);
            return len;
        }
        if (n == 0) {
            break;
        }
        done += (size_t)n;
    }
    return done;
}

static void on_ready(unsigned ready UNUSED, void *arg)
{
    struct outflow *o = arg;
    size_t done = push(o, o->queue.data + o->at, o->queue.len - o->at);
    if (o->broken) {
        return;
    }
    o->at += done;
    if (o->at == o->queue.len) {
        buf_clear(&o->queue);
        o->at = 0;
        ev_fd_want(o->watch, EV_WANT_NONE);
        o->fn(o->arg, NULL);
    }
}

struct outflow *outflow_new(struct ev_loop *loop, int fd,
                            void (*fn)(void *arg, const struct err *err), void *arg)
{
    struct outflow *o = xcalloc(1, sizeof(*o));
    struct stat st;
    bool file = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    *o = (struct outflow){
        .loop = loop, .fd = fd, .piece = file ? SSIZE_MAX : PIPE_BUF, .fn = fn, .arg = arg};
    o->watch = ev_fd_new(loop, fd, on_ready, o);
    return o;
}

void outflow_free(struct outflow *o)
{
    if (o) {
        ev_fd_free(o->watch);
        buf_release(&o->queue);
        ev_defer_free(o->loop, o);
    }
}

void outflow_write(struct outflow *o, const void *data, size_t len)
{
    size_t done = 0;
    if (o->broken) {
        return;
    }
    if (o->at == o->queue.len) {
        done = push(o, data, len);
    }
    if (done < len && !o->broken) {
        buf_append(&o->queue, (const char *)data + done, len - done);
        ev_fd_want(o->watch, EV_WANT_WRITE);
    }
}

size_t outflow_waiting(const struct outflow *o)
{
    return o->queue.len - o->at;
}
