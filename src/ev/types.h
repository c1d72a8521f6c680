/* What the files of ev/ share. Nobody else includes this. */
#ifndef EV_TYPES_H
#define EV_TYPES_H

#include <event2/event.h>

#include "ev/ev.h"

struct deferred {
    void (*fn)(void *arg);
    void *arg;
};

struct ev_loop {
    struct event_base *base;
    struct event *tick; /* fires at the earliest timer */
    int64_t tick_at;    /* what tick is set to, CLOCK_NEVER = not set */

    struct ev_timer **heap; /* binary heap by (deadline, seq) */
    size_t heap_len, heap_cap;
    uint64_t seq;

    struct deferred *deferred; /* run at the end of this turn */
    size_t deferred_len, deferred_cap;

    int signals; /* signal sources do not keep the loop alive */
    bool running, stop;
    bool trace;
};

/* Around a callback: a slow one shows in FETTLE_DEBUG=ev. */
int64_t ev_trace_begin(const struct ev_loop *loop);
void ev_trace_end(const struct ev_loop *loop, int64_t began, const char *what);

#endif
