/*
 * The walker: counts down dependencies, keeps one queue per class of step ordered by the longest
 * remaining chain, and ends when nothing is under way. Steps themselves are in the files beside.
 */
#include "run/run.h"

#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "run/internal.h"

#define WATCH_RETRY_DEFAULT (100 * NS_PER_MS)
#define SETTLE_DEFAULT (100 * NS_PER_MS)
enum { WATCH_RETRIES_MAX = 20 };

static const struct {
    enum step_class class;
    void (*begin)(struct run_step *s);
} kinds[STEP_KIND_COUNT] = {
    [STEP_IMAGE_PULL] = {CLASS_IMAGE, step_image_pull},
    [STEP_IMAGE_BUILD] = {CLASS_IMAGE, step_image_build},
    [STEP_IMAGE_REMOVE] = {CLASS_LIGHT, step_image_remove},
    [STEP_NETWORK_CREATE] = {CLASS_LIGHT, step_network_create},
    [STEP_NETWORK_REMOVE] = {CLASS_LIGHT, step_network_remove},
    [STEP_VOLUME_CREATE] = {CLASS_LIGHT, step_volume_create},
    [STEP_VOLUME_REMOVE] = {CLASS_LIGHT, step_volume_remove},
    [STEP_CREATE] = {CLASS_LIGHT, step_create},
    [STEP_RENAME] = {CLASS_LIGHT, step_rename},
    [STEP_START] = {CLASS_START, step_start},
    [STEP_PROVE] = {CLASS_WAIT, step_prove},
    [STEP_EXIT] = {CLASS_WAIT, step_exit},
    [STEP_STOP] = {CLASS_STOP, step_stop},
    [STEP_REMOVE] = {CLASS_LIGHT, step_remove},
    [STEP_RESTART] = {CLASS_START, step_restart},
    [STEP_KILL] = {CLASS_STOP, step_kill},
    [STEP_PAUSE] = {CLASS_LIGHT, step_pause},
    [STEP_UNPAUSE] = {CLASS_LIGHT, step_pause},
};

/* --- queues: a binary heap each, the largest rank first --- */

static bool before(const struct run_step *a, const struct run_step *b)
{
    return a->step->rank != b->step->rank ? a->step->rank > b->step->rank
                                          : a->step->index < b->step->index;
}

static void heap_push(struct heap *h, struct run_step *s)
{
    size_t i = h->len;
    if (h->len == h->cap) {
        h->cap = h->cap ? h->cap * 2 : 16;
        h->items = xreallocarray(h->items, h->cap, sizeof(struct run_step *));
    }
    for (h->len++; i && before(s, h->items[(i - 1) / 2]); i = (i - 1) / 2) {
        h->items[i] = h->items[(i - 1) / 2];
    }
    h->items[i] = s;
}

static struct run_step *heap_pop(struct heap *h)
{
    struct run_step *top = h->items[0], *last = h->items[--h->len];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= h->len) {
            break;
        }
        if (child + 1 < h->len && before(h->items[child + 1], h->items[child])) {
            child++;
        }
        if (!before(h->items[child], last)) {
            break;
        }
        h->items[i] = h->items[child];
        i = child;
    }
    h->items[i] = last;
    return top;
}

/* --- events of the engine --- */

static void watch_begin(struct run *r);

static void on_engine_event(void *arg, const struct engine_event *event)
{
    struct run *r = arg;
    struct run_unit *u = NULL;
    if (strcmp(event->type, "container") != 0) {
        return;
    }
    u = run_unit_by_id(r, event->id);
    if (u && u->gate) {
        gate_event(u->gate, event);
    }
}

static void on_watch_open(void *arg)
{
    struct run *r = arg;
    bool again = r->watch_failures > 0;
    r->watch_open = true;
    r->watch_failures = 0;
    MAP_FOREACH (e, &r->units) {
        struct run_unit *u = e->value;
        if (again && u->gate) {
            gate_resync(u->gate);
        }
    }
    run_schedule(r);
}

static void watch_again(void *arg)
{
    struct run *r = arg;
    if (!r->finished) {
        watch_begin(r);
    }
}

static void on_watch_end(void *arg, const struct err *err)
{
    struct run *r = arg;
    r->watch = NULL;
    if (r->finished || r->stopping) {
        return;
    }
    if (++r->watch_failures > WATCH_RETRIES_MAX) {
        struct err lost = {0};
        err_set(&lost, ERR_ENGINE, "the engine's event stream ended: %s",
                err ? err->message : "closed by the engine");
        err_subject(&lost, r->options.project);
        engine_hint(&lost);
        r->stopping = true;
        r->err = r->err.code ? r->err : lost;
        run_schedule(r);
        return;
    }
    ev_timer_set(r->watch_timer, clock_add(clock_mono(), r->options.watch_retry));
}

static void watch_begin(struct run *r)
{
    r->watch = engine_watch(r->engine, r->options.project, on_engine_event, on_watch_open,
                            on_watch_end, r);
}

/* --- walking --- */

void run_warning(struct run *r, const struct run_unit *u, const char *hint, const char *fmt, ...)
{
    va_list ap;
    CLEANUP_FREE char *text = NULL;
    va_start(ap, fmt);
    text = xvasprintf(fmt, ap);
    va_end(ap);
    struct event e = {.kind = EVENT_WARNING,
                      .mono = clock_mono(),
                      .wall = clock_wall(),
                      .name = u ? u->name : NULL,
                      .service = u ? u->service : NULL,
                      .id = u ? u->id : NULL,
                      .text = text,
                      .hint = hint};
    event_emit(r->hub, &e);
}

static void turn(void *arg);

void run_schedule(struct run *r)
{
    if (!r->scheduled && !r->finished) {
        r->scheduled = true;
        ev_defer(r->loop, turn, r);
    }
}

void run_hold(struct run *r)
{
    r->evidence_pending++;
}

void run_release(struct run *r)
{
    r->evidence_pending--;
    run_schedule(r);
}

static void make_ready(struct run_step *s)
{
    s->state = STEP_QUEUED;
    heap_push(&s->run->ready[kinds[s->step->kind].class], s);
}

/* Marks a step and what depends on it as not done. */
static void skip(struct run_step *s)
{
    struct run *r = s->run;
    if (s->state != STEP_PENDING && s->state != STEP_QUEUED) {
        return;
    }
    s->state = STEP_SKIPPED;
    r->ended++;
    if (s->unit && s->unit->state != UNIT_FAILED && s->unit->state != UNIT_SKIPPED &&
        (s->step->kind == STEP_START || s->step->kind == STEP_CREATE)) {
        run_unit_set(r, s->unit, UNIT_SKIPPED, "not started");
    }
    for (size_t i = 0; i < s->dependent_count; i++) {
        skip(s->dependents[i]);
    }
}

/* Only optional edges lead from it, and at least one: its failure is a warning. */
static bool is_optional(const struct run_step *s)
{
    for (size_t i = 0; i < s->dependent_count; i++) {
        if (!s->dependent_optional[i]) {
            return false;
        }
    }
    return s->dependent_count > 0 && !(s->run->options.flags & RUN_KEEP_GOING);
}

static void fail(struct run_step *s, const struct err *cause)
{
    struct run *r = s->run;
    struct err with_hint = *cause, *err = &with_hint;
    bool optional = is_optional(s);
    engine_hint(err);
    s->state = STEP_FAILED;
    if (err->code == ERR_CANCELLED && r->stopping) { /* a consequence, not a cause */
        return;
    }
    if (s->unit && s->unit->entry) {
        s->unit->entry->failed = true;
    }
    if (s->unit && s->unit->state != UNIT_FAILED) {
        run_unit_set(r, s->unit, UNIT_FAILED, "%s", err->message);
    }
    if (optional) {
        run_warning(r, s->unit, err->hint, "%s (required: false, going on without it)",
                    err->message);
    } else {
        r->failures++;
        if (!r->err.code) {
            r->err = *err;
        }
        if (!r->cancelled) {
            run_report_failure(r, s->unit, err);
        }
        if (!(r->options.flags & RUN_KEEP_GOING)) {
            r->stopping = true;
        }
    }
}

void run_step_done(struct run_step *s, const struct err *err)
{
    struct run *r = s->run;
    enum step_class class = kinds[s->step->kind].class;
    s->call = NULL;
    s->cancel_work = NULL;
    r->running[class]--;
    r->in_flight--;
    r->ended++;
    log_debug("run", "%s %s: %s", step_kind_name(s->step->kind), s->step->target,
              err ? err->message : "done");
    if (err) {
        fail(s, err);
    } else {
        s->state = STEP_DONE;
    }
    for (size_t i = 0; i < s->dependent_count; i++) {
        struct run_step *d = s->dependents[i];
        if (d->state != STEP_PENDING) {
            continue;
        }
        if (err && !s->dependent_optional[i]) {
            skip(d);
        } else if (--d->waiting == 0) {
            make_ready(d);
        }
    }
    run_schedule(r);
}

/* Proofs never end by themselves when nothing follows any more. */
static void stop_waiting(struct run *r)
{
    for (size_t i = 0; i < r->plan->step_count; i++) {
        struct run_step *s = &r->steps[i];
        if (s->state == STEP_PENDING || s->state == STEP_QUEUED) {
            skip(s);
        }
    }
    for (int c = 0; c < CLASS_COUNT; c++) {
        r->ready[c].len = 0;
    }
    for (size_t i = 0; i < r->plan->step_count; i++) {
        struct run_step *s = &r->steps[i];
        if (s->state == STEP_RUNNING && kinds[s->step->kind].class == CLASS_WAIT &&
            s->cancel_work) {
            s->cancel_work(s);
        }
    }
}

static int by_start(const void *x, const void *y)
{
    const struct timeline_entry *a = *(struct timeline_entry *const *)x;
    const struct timeline_entry *b = *(struct timeline_entry *const *)y;
    return (a->start_begin > b->start_begin) - (a->start_begin < b->start_begin);
}

static void close_timeline(struct run *r)
{
    struct timeline *t = &r->timeline;
    t->duration = run_elapsed(r);
    t->ok = !r->err.code && !r->cancelled;
    t->entries = arena_array(&t->arena, t->count, sizeof(*t->entries));
    if (t->count > 1) {
        qsort(r->entries, t->count, sizeof(struct timeline_entry *), by_start);
    }
    for (size_t i = 0; i < t->count; i++) {
        t->entries[i] = *r->entries[i];
    }
    if (t->ok) { /* marks it in the entries */
        CLEANUP_FREE size_t *path = xcalloc(t->count + 1, sizeof(*path));
        (void)timeline_critical_path(t, path);
    }
}

static void finish(struct run *r)
{
    struct event e = {.kind = EVENT_END,
                      .mono = clock_mono(),
                      .wall = clock_wall(),
                      .ok = !r->err.code,
                      .text = r->plan->verb,
                      .duration = run_elapsed(r)};
    r->finished = true;
    engine_watch_cancel(r->watch);
    r->watch = NULL;
    ev_timer_free(r->watch_timer);
    ev_timer_free(r->deadline);
    r->watch_timer = r->deadline = NULL;
    close_timeline(r);
    if (r->cancelled && !r->err.code) {
        err_set(&r->err, ERR_CANCELLED, "stopped by the user");
        e.ok = false;
    }
    if (r->err.code && !r->failures && !r->cancelled) { /* of the run, not of a step */
        run_report_failure(r, NULL, &r->err);
    }
    event_emit(r->hub, &e);
    r->done(r->done_arg, r->err.code ? &r->err : NULL);
}

/* Who waits for whom, for the line of a container that may not start yet. */
static void say_waiting(struct run *r, struct run_step *s)
{
    struct buf names = BUF_INIT;
    for (size_t i = 0; i < s->step->dep_count; i++) {
        const struct run_step *d = &r->steps[s->step->deps[i].step];
        if (d->state != STEP_DONE && d->unit && d->unit != s->unit && d->unit->service[0] &&
            !strstr(buf_text(&names), d->unit->service)) {
            buf_printf(&names, "%s%s", names.len ? ", " : "", d->unit->service);
        }
    }
    if (names.len && (s->unit->state == UNIT_CREATED || s->unit->state == UNIT_RECREATED)) {
        run_unit_set(r, s->unit, UNIT_WAITING, "for %s", buf_text(&names));
    }
    buf_release(&names);
}

static void begin_step(struct run *r, struct run_step *s, enum step_class class)
{
    s->state = STEP_RUNNING;
    s->began = clock_mono();
    r->running[class]++;
    r->in_flight++;
    log_debug("run", "%s %s: begins", step_kind_name(s->step->kind), s->step->target);
    kinds[s->step->kind].begin(s);
}

static void turn(void *arg)
{
    struct run *r = arg;
    r->scheduled = false;
    if (r->stopping) {
        stop_waiting(r);
    }
    for (int c = 0; c < CLASS_COUNT && !r->stopping; c++) {
        bool held = c == CLASS_START && r->watch_wanted && !r->watch_open;
        while (!held && r->ready[c].len && r->running[c] < r->limit[c]) {
            begin_step(r, heap_pop(&r->ready[c]), c);
        }
    }
    for (size_t i = 0; i < r->plan->step_count && !r->stopping; i++) {
        struct run_step *s = &r->steps[i];
        if (s->step->kind == STEP_START && s->state == STEP_PENDING && s->unit) {
            say_waiting(r, s);
        }
    }
    if (!r->in_flight && !r->evidence_pending && (r->ended == r->plan->step_count) &&
        !r->finished && !r->scheduled) { /* a deferred turn cannot be taken back: it ends the run */
        finish(r);
    }
}

static void on_deadline(void *arg)
{
    struct run *r = arg;
    struct err err = {0};
    char text[48];
    const char *first = r->options.project; /* the first service that is missing */
    struct buf missing = BUF_INIT;
    MAP_FOREACH (e, &r->units) {
        struct run_unit *u = e->value;
        if (u->gate) {
            first = missing.len ? first : u->service;
            buf_printf(&missing, "%s%s", missing.len ? "; " : "", u->service);
            gate_last_words(u->gate, &missing);
        }
    }
    err_set(&err, ERR_TIMEOUT, "application not healthy after %s%s%s",
            clock_human(run_elapsed(r), text, sizeof(text)), missing.len ? "; not proved: " : "",
            buf_text(&missing));
    err_subject(&err, first);
    err_hint(&err, "--wait-timeout gives it more time");
    buf_release(&missing);
    r->err = r->err.code ? r->err : err;
    r->stopping = true;
    run_schedule(r);
}

/* --- set-up --- */

static void link_steps(struct run *r)
{
    const struct plan *p = r->plan;
    size_t *counts = xcalloc(p->step_count + 1, sizeof(*counts));
    for (size_t i = 0; i < p->step_count; i++) {
        for (size_t d = 0; d < p->steps[i]->dep_count; d++) {
            counts[p->steps[i]->deps[d].step]++;
        }
    }
    for (size_t i = 0; i < p->step_count; i++) {
        r->steps[i].dependents = xcalloc(counts[i] + 1, sizeof(struct run_step *));
        r->steps[i].dependent_optional = xcalloc(counts[i] + 1, sizeof(bool));
    }
    for (size_t i = 0; i < p->step_count; i++) {
        for (size_t d = 0; d < p->steps[i]->dep_count; d++) {
            struct run_step *before_it = &r->steps[p->steps[i]->deps[d].step];
            before_it->dependent_optional[before_it->dependent_count] =
                p->steps[i]->deps[d].optional;
            before_it->dependents[before_it->dependent_count++] = &r->steps[i];
        }
    }
    free(counts);
}

static enum unit_kind kind_of(enum step_kind kind)
{
    switch (kind) {
    case STEP_IMAGE_PULL:
    case STEP_IMAGE_BUILD:
    case STEP_IMAGE_REMOVE:
        return UNIT_IMAGE;
    case STEP_NETWORK_CREATE:
    case STEP_NETWORK_REMOVE:
        return UNIT_NETWORK;
    case STEP_VOLUME_CREATE:
    case STEP_VOLUME_REMOVE:
        return UNIT_VOLUME;
    default:
        return UNIT_CONTAINER;
    }
}

static void init_units(struct run *r)
{
    const struct plan *p = r->plan;
    r->of_plan_unit = xcalloc(p->unit_count + 1, sizeof(struct run_unit *));
    for (size_t i = 0; i < p->unit_count; i++) {
        const struct plan_unit *pu = p->units[i];
        struct run_unit *u = run_unit(r, UNIT_CONTAINER, pu->name,
                                      pu->service ? pu->service->name : NULL);
        r->of_plan_unit[i] = u;
        if (pu->existing) {
            u->id = xstrdup(pu->existing->id);
        }
        if (pu->unchanged) {
            run_unit_set(r, u, UNIT_RUNNING, NULL);
        }
    }
    for (size_t i = 0; i < p->step_count; i++) {
        const struct step *s = p->steps[i];
        struct run_step *rs = &r->steps[i];
        *rs = (struct run_step){.step = s, .run = r, .waiting = s->dep_count};
        rs->unit = s->unit ? r->of_plan_unit[s->unit->index]
                           : run_unit(r, kind_of(s->kind), s->target,
                                      s->service ? s->service->name : NULL);
        if (kinds[s->kind].class == CLASS_WAIT && !(r->options.flags & RUN_NO_PROOF)) {
            r->watch_wanted = true;
        }
    }
}

struct run *run_new(struct ev_loop *loop, struct engine *engine, const struct plan *plan,
                    const struct event_hub *hub, const struct run_options *options)
{
    struct run *r = xcalloc(1, sizeof(*r));
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    *r = (struct run){.loop = loop,
                      .engine = engine,
                      .plan = plan,
                      .hub = hub,
                      .options = *options,
                      .limit = {[CLASS_LIGHT] = 8,
                                [CLASS_START] = cpus > 0 ? (int)cpus * 2 : 4,
                                [CLASS_STOP] = 64,
                                [CLASS_WAIT] = 1 << 20,
                                [CLASS_IMAGE] = 4}};
    if (r->options.watch_retry <= 0) {
        r->options.watch_retry = WATCH_RETRY_DEFAULT;
    }
    if (r->options.settle <= 0) {
        r->options.settle = SETTLE_DEFAULT;
    }
    if (options->parallel > 0) {
        for (int c = 0; c < CLASS_COUNT; c++) {
            r->limit[c] = c == CLASS_WAIT ? r->limit[c] : options->parallel;
        }
    }
    r->steps = xcalloc(plan->step_count + 1, sizeof(*r->steps));
    return r;
}

void run_start(struct run *r, run_done_fn *done, void *arg)
{
    struct event begin = {.kind = EVENT_BEGIN,
                          .mono = clock_mono(),
                          .wall = clock_wall(),
                          .text = r->plan->verb,
                          .count = r->plan->unit_count};
    r->done = done;
    r->done_arg = arg;
    r->began = begin.mono;
    arena_init(&r->timeline.arena);
    r->timeline.project = arena_strdup(&r->timeline.arena, r->options.project);
    r->timeline.command = r->plan->verb;
    r->timeline.began = begin.wall;
    event_emit(r->hub, &begin);
    r->prober = probe_runner_new(r->loop, NULL);
    init_units(r);
    link_steps(r);
    r->watch_timer = ev_timer_new(r->loop, watch_again, r);
    r->deadline = ev_timer_new(r->loop, on_deadline, r);
    if (r->options.deadline && r->options.deadline != CLOCK_NEVER) {
        ev_timer_set(r->deadline, r->options.deadline);
    }
    if (r->watch_wanted) {
        watch_begin(r);
    }
    for (size_t i = 0; i < r->plan->note_count; i++) {
        run_warning(r, NULL, r->plan->notes[i].hint, "%s", r->plan->notes[i].text);
    }
    run_attach_running(r);
    for (size_t i = 0; i < r->plan->step_count; i++) {
        if (!r->steps[i].waiting) {
            make_ready(&r->steps[i]);
        }
    }
    run_schedule(r);
}

void run_cancel(struct run *r)
{
    if (r->finished) {
        return;
    }
    for (size_t i = 0; i < r->plan->step_count; i++) {
        struct run_step *s = &r->steps[i];
        /* Pulls and builds leave nothing half done, and may take long: they end at the first. */
        bool now = r->cancelled || kinds[s->step->kind].class == CLASS_IMAGE;
        if (s->state == STEP_RUNNING && now && s->call) {
            engine_cancel(r->engine, s->call);
        } else if (s->state == STEP_RUNNING && now && s->cancel_work) {
            s->cancel_work(s);
        }
    }
    r->cancelled = r->stopping = true;
    run_schedule(r);
}

void run_free(struct run *r)
{
    if (!r) {
        return;
    }
    for (size_t i = 0; i < r->plan->step_count; i++) {
        free(r->steps[i].dependents);
        free(r->steps[i].dependent_optional);
    }
    for (int c = 0; c < CLASS_COUNT; c++) {
        free(r->ready[c].items);
    }
    MAP_FOREACH (e, &r->units) {
        run_unit_free(e->value);
    }
    map_release(&r->units);
    map_release(&r->images);
    run_attachments_free(r);
    probe_runner_free(r->prober);
    timeline_release(&r->timeline);
    free(r->entries);
    free(r->of_plan_unit);
    free(r->steps);
    free(r);
}

struct timeline *run_timeline(struct run *r)
{
    return &r->timeline;
}

const char *run_unit_id(const struct run *r, const struct plan_unit *unit)
{
    const struct run_unit *u = r->of_plan_unit ? r->of_plan_unit[unit->index] : NULL;
    return u && u->id ? u->id : "";
}
