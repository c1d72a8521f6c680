/*
 * See drive.h. A leftover timer, descriptor or call shows as a loop that does not come to its end:
 * an alarm then ends the program with a message.
 */
#include "drive.h"

#include <assert.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/engine.h"
#include "engine/observe.h"
#include "ev/ev.h"
#include "run/run.h"

enum { HANG_S = 20 };

struct state {
    struct drive *d;
    struct ev_loop *loop;
    struct fake_world *world;
    struct engine *engine;
    struct observed observed;
    struct plan plan;
    struct run *run;
    struct ev_timer *interrupt;
    struct event_hub hub;
    bool answered;
    struct err err;
};

static const char *what = "";

static void on_alarm(int signo)
{
    static const char text[] = "drive: hangs or leaves something on the loop: ";
    (void)signo;
    if (write(2, text, sizeof(text) - 1) < 0 || write(2, what, strlen(what)) < 0 ||
        write(2, "\n", 1) < 0) {
        _exit(98);
    }
    abort();
}

/* --- steps of a command, each waited for --- */

static void answer(void *arg, const struct err *err)
{
    struct state *s = arg;
    assert(!s->answered); /* exactly once */
    s->answered = true;
    s->err = err ? *err : (struct err){0};
    ev_loop_stop(s->loop);
}

static int wait_answer(struct state *s, const char *for_what)
{
    what = for_what;
    while (!s->answered) {
        ev_loop_run(s->loop);
    }
    s->answered = false;
    return -(int)s->err.code;
}

static void on_interrupt(void *arg)
{
    struct state *s = arg;
    for (int i = 0; i < s->d->interrupts || i == 0; i++) {
        run_cancel(s->run);
    }
}

static void keep_log(struct buf *log, const struct event *e)
{
    switch (e->kind) {
    case EVENT_UNIT:
        buf_printf(log, "%s %s%s%s\n", e->name, unit_state_name(e->state), *e->text ? ": " : "",
                   e->text);
        return;
    case EVENT_WARNING:
        buf_printf(log, "warning: %s (%s)\n", e->text, e->hint);
        return;
    case EVENT_ERROR:
        buf_printf(log, "error: %s (%s) [%s]\n", e->text, e->hint, e->evidence ? e->evidence : "");
        return;
    case EVENT_LOG:
        buf_printf(log, "%s| %s\n", e->name, e->text);
        return;
    default:
        return;
    }
}

static void on_event(void *arg, const struct event *e)
{
    struct drive *d = arg;
    bool bad = !e->name || !e->text || e->kind >= EVENT_KIND_COUNT;
    if (d->log) {
        keep_log(d->log, e);
    }
    d->began = d->began || e->kind == EVENT_BEGIN;
    d->bad_events += d->ended || (!d->began && e->kind != EVENT_UNIT); /* nothing after the end */
    d->ended = d->ended || e->kind == EVENT_END;
    if (e->kind == EVENT_ERROR) {
        d->errors++;
        bad = bad || !*e->text;
        snprintf(d->last_error, sizeof(d->last_error), "%s (%s)", e->text, e->hint);
    }
    bad = bad || (e->kind == EVENT_UNIT && (!*e->name || e->state >= UNIT_STATE_COUNT));
    d->bad_events += bad;
}

static int make_plan(struct state *s, struct err *err)
{
    const struct drive *d = s->d;
    switch (d->verb) {
    case DRIVE_UP:
        return plan_up(d->project, &s->observed, &d->options, &s->plan, err);
    case DRIVE_DOWN:
        return plan_down(d->project, &s->observed, &d->options, &s->plan, err);
    case DRIVE_STOP:
        return plan_stop(d->project, &s->observed, &d->options, &s->plan, err);
    default:
        return plan_restart(d->project, &s->observed, &d->options, &s->plan, err);
    }
}

static int walk(struct state *s)
{
    const struct drive *d = s->d;
    bool taking_away = d->verb == DRIVE_DOWN || d->verb == DRIVE_STOP;
    struct run_options options = {
        .flags = d->run_flags | (taking_away ? RUN_KEEP_GOING : 0),
        .deadline = clock_add(clock_mono(), d->deadline ? d->deadline : 2 * NS_PER_SEC),
        .stop_timeout = -1,
        .watch_retry = NS_PER_MS,
        .settle = d->settle ? d->settle : 1,
        .project = d->project->name,
    };
    event_hub_add(&s->hub, on_event, s->d);
    s->run = run_new(s->loop, s->engine, &s->plan, &s->hub, &options);
    if (d->cancel_after) {
        s->interrupt = ev_timer_new(s->loop, on_interrupt, s);
        ev_timer_set(s->interrupt, clock_add(clock_mono(), d->cancel_after));
    }
    run_start(s->run, answer, s);
    return wait_answer(s, "run");
}

static int command(struct state *s, struct err *err)
{
    struct drive *d = s->d;
    int rc = 0;
    engine_connect(s->engine, answer, s);
    rc = wait_answer(s, "connect");
    if (!rc) {
        observe_start(s->engine, d->project->name, d->project, OBSERVE_ALL, &s->observed, answer,
                      s);
        rc = wait_answer(s, "observe");
    }
    if (rc) {
        *err = s->err;
        return rc;
    }
    rc = make_plan(s, err);
    if (!rc) {
        rc = walk(s);
        *err = s->err;
    }
    return rc;
}

static void stop_loop(void *arg)
{
    ev_loop_stop(arg);
}

/* What was cancelled at the very end may answer in the next turn. */
static void settle(struct state *s)
{
    struct ev_timer *soon = ev_timer_new(s->loop, stop_loop, s->loop);
    what = "calls that are still open";
    for (int i = 0; i < 3 && fake_world_open_calls(s->world); i++) {
        ev_timer_set(soon, 0);
        ev_loop_run(s->loop);
    }
    ev_timer_free(soon);
}

int drive(struct fake_world *w, struct drive *d, struct err *err)
{
    struct state s = {.d = d, .world = w, .loop = ev_loop_new()};
    int rc = 0;
    err_clear(err);
    d->errors = d->bad_events = 0;
    d->began = d->ended = false;
    d->last_error[0] = '\0';
    signal(SIGALRM, on_alarm);
    alarm(HANG_S);
    fake_world_attach(w, s.loop);
    s.engine = engine_new(fake_transport_new(w));
    rc = command(&s, err);
    ev_timer_free(s.interrupt);
    if (s.run) {
        run_free(s.run);
    }
    plan_release(&s.plan);
    observed_release(&s.observed);
    settle(&s);
    assert(fake_world_open_calls(w) == 0);
    engine_free(s.engine);
    fake_world_attach(w, NULL);
    what = "the loop after everything is freed";
    ev_loop_run(s.loop); /* comes back at once unless something was left on it */
    ev_loop_free(s.loop);
    alarm(0);
    return rc;
}
