/*
 * The loop's turn and deferred work, over one libevent base. Timers are our own heap
 * (ev/timer.c): libevent only tells when the earliest is due.
 */
#include "ev/ev.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "ev/internal.h"
#include "ev/timer.h"
#include "ev/types.h"

enum { SLOW_CALLBACK_MS = 5 };

static void on_tick(UNUSED evutil_socket_t fd, UNUSED short what, UNUSED void *arg)
{
    /* Only wakes the loop up: due timers run in every turn. */
}

static void on_libevent_log(UNUSED int severity, const char *message)
{
    log_debug("ev", "libevent: %s", message); /* it would print to stderr otherwise */
}

struct ev_loop *ev_loop_new(void)
{
    struct event_config *config = event_config_new();
    struct ev_loop *loop = xcalloc(1, sizeof(*loop));

    event_set_log_callback(on_libevent_log);
    assert(config != NULL);
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV |
                                      EVENT_BASE_FLAG_PRECISE_TIMER |
                                      EVENT_BASE_FLAG_NO_CACHE_TIME);
    loop->base = event_base_new_with_config(config);
    event_config_free(config);
    assert(loop->base != NULL); /* only without memory or descriptors */
    loop->tick = event_new(loop->base, -1, 0, on_tick, loop);
    assert(loop->tick != NULL);
    loop->tick_at = CLOCK_NEVER;
    loop->trace = log_enabled("ev");
    signal(SIGPIPE, SIG_IGN);
    return loop;
}

void ev_loop_free(struct ev_loop *loop)
{
    if (loop == NULL) {
        return;
    }
    assert(!loop->running);
    for (size_t i = 0; i < loop->deferred_len; i++) { /* grows while it runs */
        struct deferred d = loop->deferred[i];
        d.fn(d.arg);
    }
    event_free(loop->tick);
    event_base_free(loop->base);
    free(loop->deferred);
    free(loop->heap);
    free(loop);
}

struct event_base *ev_loop_base(struct ev_loop *loop)
{
    return loop->base;
}

static void run_deferred(struct ev_loop *loop)
{
    struct deferred *batch = loop->deferred;
    size_t len = loop->deferred_len;

    loop->deferred = NULL;
    loop->deferred_len = loop->deferred_cap = 0;
    for (size_t i = 0; i < len; i++) {
        int64_t began = ev_trace_begin(loop);
        batch[i].fn(batch[i].arg);
        ev_trace_end(loop, began, "deferred work");
    }
    if (loop->deferred == NULL) { /* keep the memory for the next turn */
        loop->deferred = batch;
        loop->deferred_cap = len;
        return;
    }
    free(batch);
}

/* Tells libevent when the earliest timer is due. */
static void set_tick(struct ev_loop *loop)
{
    int64_t at = ev_timer_earliest(loop);

    if (at == loop->tick_at && (at == CLOCK_NEVER || event_pending(loop->tick, EV_TIMEOUT, NULL))) {
        return;
    }
    loop->tick_at = at;
    if (at == CLOCK_NEVER) {
        event_del(loop->tick);
        return;
    }
    int64_t us = (at - clock_mono() + NS_PER_US - 1) / NS_PER_US; /* never early */
    us = us < 0 ? 0 : us;
    struct timeval tv = {.tv_sec = us / 1000000, .tv_usec = us % 1000000};
    event_add(loop->tick, &tv);
}

static bool is_alive(const struct ev_loop *loop)
{
    return loop->deferred_len > 0 || loop->heap_len > 0 ||
           event_base_get_num_events(loop->base, EVENT_BASE_COUNT_ADDED) > loop->signals;
}

void ev_loop_run(struct ev_loop *loop)
{
    assert(!loop->running);
    loop->running = true;
    while (!loop->stop) {
        set_tick(loop); /* first: a tick left over from a freed timer must not count as alive */
        if (!is_alive(loop)) {
            break;
        }
        event_base_loop(loop->base, EVLOOP_ONCE | (loop->deferred_len > 0 ? EVLOOP_NONBLOCK : 0));
        ev_timer_run_due(loop);
        run_deferred(loop);
    }
    loop->running = false;
    loop->stop = false;
}

void ev_loop_stop(struct ev_loop *loop)
{
    loop->stop = true;
}

int64_t ev_now(UNUSED const struct ev_loop *loop)
{
    return clock_mono();
}

void ev_defer(struct ev_loop *loop, void (*fn)(void *arg), void *arg)
{
    if (loop->deferred_len == loop->deferred_cap) {
        loop->deferred_cap = loop->deferred_cap < 8 ? 16 : loop->deferred_cap * 2;
        loop->deferred = xreallocarray(loop->deferred, loop->deferred_cap, sizeof(*loop->deferred));
    }
    loop->deferred[loop->deferred_len++] = (struct deferred){fn, arg};
}

void ev_defer_free(struct ev_loop *loop, void *memory)
{
    if (memory != NULL) {
        ev_defer(loop, free, memory);
    }
}

int64_t ev_trace_begin(const struct ev_loop *loop)
{
    return loop->trace ? clock_mono() : 0;
}

void ev_trace_end(const struct ev_loop *loop, int64_t began, const char *what)
{
    if (!loop->trace) {
        return;
    }
    int64_t took = clock_mono() - began;
    if (took > SLOW_CALLBACK_MS * NS_PER_MS) {
        log_debug("ev", "slow %s: %lld us", what, (long long)(took / NS_PER_US));
    }
}
