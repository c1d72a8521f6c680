/*
 * Timers: a binary heap ordered by deadline, then by the order in which they were set, so that
 * what happens at one moment happens in a defined order. Driven by the loop, once a turn.
 */
#include "ev/timer.h"

#include <assert.h>

#include "base/clock.h"
#include "ev/types.h"

#define NOT_ARMED SIZE_MAX

struct ev_timer {
    struct ev_loop *loop;
    void (*fn)(void *arg);
    void *arg;
    int64_t deadline;
    uint64_t seq;
    size_t index; /* in the heap */
};

static bool is_before(const struct ev_timer *a, const struct ev_timer *b)
{
    return a->deadline != b->deadline ? a->deadline < b->deadline : a->seq < b->seq;
}

static void put(struct ev_loop *loop, size_t i, struct ev_timer *t)
{
    loop->heap[i] = t;
    t->index = i;
}

static void sift_up(struct ev_loop *loop, size_t i, struct ev_timer *t)
{
    while (i > 0 && is_before(t, loop->heap[(i - 1) / 2])) {
        put(loop, i, loop->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    put(loop, i, t);
}

static void sift_down(struct ev_loop *loop, size_t i, struct ev_timer *t)
{
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= loop->heap_len) {
            break;
        }
        if (child + 1 < loop->heap_len && is_before(loop->heap[child + 1], loop->heap[child])) {
            child++;
        }
        if (!is_before(loop->heap[child], t)) {
            break;
        }
        put(loop, i, loop->heap[child]);
        i = child;
    }
    put(loop, i, t);
}

static void disarm(struct ev_timer *t)
{
    struct ev_loop *loop = t->loop;
    size_t i = t->index;

    if (i == NOT_ARMED) {
        return;
    }
    t->index = NOT_ARMED;
    t->deadline = CLOCK_NEVER;
    struct ev_timer *last = loop->heap[--loop->heap_len];
    if (last == t) {
        return;
    }
    if (i > 0 && is_before(last, loop->heap[(i - 1) / 2])) {
        sift_up(loop, i, last);
    } else {
        sift_down(loop, i, last);
    }
}

struct ev_timer *ev_timer_new(struct ev_loop *loop, void (*fn)(void *arg), void *arg)
{
    struct ev_timer *t = xcalloc(1, sizeof(*t));

    *t = (struct ev_timer){loop, fn, arg, CLOCK_NEVER, 0, NOT_ARMED};
    return t;
}

void ev_timer_free(struct ev_timer *timer)
{
    if (timer != NULL) {
        disarm(timer);
        ev_defer_free(timer->loop, timer);
    }
}

void ev_timer_set(struct ev_timer *timer, int64_t deadline)
{
    struct ev_loop *loop = timer->loop;

    disarm(timer);
    if (deadline == CLOCK_NEVER) {
        return;
    }
    if (loop->heap_len == loop->heap_cap) {
        loop->heap_cap = loop->heap_cap == 0 ? 16 : loop->heap_cap * 2;
        loop->heap = xreallocarray(loop->heap, loop->heap_cap, sizeof(struct ev_timer *));
    }
    timer->deadline = deadline;
    timer->seq = loop->seq++;
    sift_up(loop, loop->heap_len++, timer);
}

int64_t ev_timer_deadline(const struct ev_timer *timer)
{
    return timer->deadline;
}

int64_t ev_timer_earliest(const struct ev_loop *loop)
{
    return loop->heap_len == 0 ? CLOCK_NEVER : loop->heap[0]->deadline;
}

void ev_timer_run_due(struct ev_loop *loop)
{
    uint64_t limit = loop->seq;
    int64_t now = loop->heap_len == 0 ? 0 : clock_mono();

    while (loop->heap_len > 0) {
        struct ev_timer *t = loop->heap[0];
        if (t->deadline > now || t->seq >= limit) {
            break;
        }
        disarm(t);
        int64_t began = ev_trace_begin(loop);
        t->fn(t->arg);
        ev_trace_end(loop, began, "timer");
    }
}
