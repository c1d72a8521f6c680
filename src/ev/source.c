/*
 * Readiness of descriptors and signals: thin wrappers around libevent's events.
 */
#include <assert.h>
#include <errno.h>
#include <signal.h>

#include "base/clock.h"
#include "ev/types.h"

struct ev_fd {
    struct ev_loop *loop;
    struct event *event;     /* for the present `want`; NULL when nothing is wanted */
    struct ev_timer *always; /* stands in for epoll, which refuses regular files */
    int fd;
    unsigned want;
    void (*fn)(unsigned ready, void *arg);
    void *arg;
};

static void fd_call(struct ev_fd *w, unsigned ready)
{
    int64_t began = ev_trace_begin(w->loop);

    ready &= w->want;
    if (ready != 0) {
        w->fn(ready, w->arg);
        ev_trace_end(w->loop, began, "descriptor");
    }
}

static void on_event(UNUSED evutil_socket_t fd, short what, void *arg)
{
    fd_call(arg, ((what & EV_READ) ? EV_WANT_READ : 0u) | ((what & EV_WRITE) ? EV_WANT_WRITE : 0u));
}

static void on_always(void *arg)
{
    struct ev_fd *w = arg;

    if (w->want != 0) {
        ev_timer_set(w->always, 0);
    }
    fd_call(w, w->want);
}

struct ev_fd *ev_fd_new(struct ev_loop *loop, int fd, void (*fn)(unsigned ready, void *arg),
                        void *arg)
{
    struct ev_fd *w = xcalloc(1, sizeof(*w));

    assert(fd >= 0);
    *w = (struct ev_fd){.loop = loop, .fd = fd, .fn = fn, .arg = arg};
    return w;
}

void ev_fd_free(struct ev_fd *w)
{
    if (w == NULL) {
        return;
    }
    w->want = 0;
    if (w->event != NULL) {
        event_free(w->event);
        w->event = NULL;
    }
    ev_timer_free(w->always);
    ev_defer_free(w->loop, w);
}

void ev_fd_want(struct ev_fd *w, unsigned want)
{
    if (want == w->want) {
        return;
    }
    w->want = want;
    if (w->always != NULL) {
        ev_timer_set(w->always, want == 0 ? CLOCK_NEVER : 0);
        return;
    }
    if (w->event != NULL) {
        event_del(w->event);
    }
    if (want == 0) {
        return;
    }
    short what = (short)(EV_PERSIST | ((want & EV_WANT_READ) ? EV_READ : 0) |
                         ((want & EV_WANT_WRITE) ? EV_WRITE : 0));
    if (w->event == NULL) {
        w->event = event_new(w->loop->base, w->fd, what, on_event, w);
    } else {
        event_assign(w->event, w->loop->base, w->fd, what, on_event, w);
    }
    assert(w->event != NULL);
    if (event_add(w->event, NULL) != 0) {
        event_free(w->event);
        w->event = NULL;
        w->always = ev_timer_new(w->loop, on_always, w);
        ev_timer_set(w->always, 0);
    }
}

struct ev_signal {
    struct ev_loop *loop;
    struct event *event;
    int signo;
    void (*fn)(int signo, void *arg);
    void *arg;
};

static void on_signal(UNUSED evutil_socket_t fd, UNUSED short what, void *arg)
{
    struct ev_signal *s = arg;
    int64_t began = ev_trace_begin(s->loop);

    s->fn(s->signo, s->arg);
    ev_trace_end(s->loop, began, "signal");
}

struct ev_signal *ev_signal_new(struct ev_loop *loop, int signo, void (*fn)(int signo, void *arg),
                                void *arg)
{
    struct ev_signal *s = xcalloc(1, sizeof(*s));

    *s = (struct ev_signal){loop, NULL, signo, fn, arg};
    s->event = evsignal_new(loop->base, signo, on_signal, s);
    assert(s->event != NULL);
    event_add(s->event, NULL);
    loop->signals++;
    return s;
}

void ev_signal_free(struct ev_signal *sig)
{
    if (sig == NULL) {
        return;
    }
    event_free(sig->event);
    sig->loop->signals--;
    ev_defer_free(sig->loop, sig);
}
