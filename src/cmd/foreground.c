/*
 * The stack in the foreground: walks the plan attached to what it starts, then waits until every
 * container has ended, one of them decides (--abort-on-..., --exit-code-from), or the user
 * interrupts: first stop in order, then kill.
 */
#include "cmd/foreground.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/parse.h"
#include "base/str.h"

struct foreground {
    struct drive *d;
    const struct args *args;
    struct engine_watch *watch;
    struct map running; /* id to container name */
    bool up;            /* the walk is over */
    bool stopping;
    int status;
    bool *shown; /* by service index: its output is wanted */
    struct plan plan;
    struct run *stop;
    int interrupts;
};

static bool in_list(const struct vec *list, const char *s)
{
    for (size_t i = 0; i < list->len; i++) {
        if (strcmp(list->items[i], s) == 0) {
            return true;
        }
    }
    return false;
}

static bool attach_wanted(void *arg, const struct service *s)
{
    const struct foreground *f = arg;
    const struct args *a = f->args;
    const struct plan_options *o = &f->d->plan;
    bool named = o->service_count == 0 || args_flag(a, "attach-dependencies");
    if (!s || s->attach == NO || in_list(args_list(a, "no-attach"), s->name)) {
        return false;
    }
    if (args_list(a, "attach")->len) {
        return in_list(args_list(a, "attach"), s->name);
    }
    for (size_t i = 0; i < o->service_count; i++) {
        named = named || strcmp(o->services[i], s->name) == 0;
    }
    return named;
}

static void note(struct foreground *f, const char *name, const char *service, const char *id,
                 int code)
{
    CLEANUP_FREE char *text = xasprintf("exited with code %d", code);
    struct event e = {.kind = EVENT_UNIT,
                      .mono = clock_mono(),
                      .wall = clock_wall(),
                      .unit = UNIT_CONTAINER,
                      .name = name,
                      .service = service,
                      .id = id,
                      .state = UNIT_EXITED,
                      .previous = UNIT_READY,
                      .text = text};
    event_emit(&f->d->hub, &e);
}

static void finish(struct foreground *f)
{
    context_finish(f->d->ctx, f->status, NULL);
}

static void stopped(void *arg, const struct err *err UNUSED)
{
    finish(arg);
}

/* Stops (or kills) the containers of the selected services. */
static void take_down(struct foreground *f, bool by_force)
{
    struct drive *d = f->d;
    struct err err = {0};
    struct run_options o = d->run;
    o.flags = RUN_KEEP_GOING;
    int rc = by_force ? plan_each(d->project, &d->observed, &d->plan, STEP_KILL, &f->plan, &err)
                      : plan_stop(d->project, &d->observed, &d->plan, &f->plan, &err);
    if (rc) {
        context_finish(d->ctx, rc, &err);
        return;
    }
    f->stop = run_new(context_loop(d->ctx), d->engine, &f->plan, &d->hub, &o);
    run_start(f->stop, stopped, f);
}

static void observed_to_stop(void *arg, const struct err *err)
{
    struct foreground *f = arg;
    if (err) {
        context_finish(f->d->ctx, -(int)err->code, err);
        return;
    }
    take_down(f, f->interrupts > 1);
}

static void begin_stop(struct foreground *f)
{
    if (f->stopping) {
        return;
    }
    f->stopping = true;
    observed_release(&f->d->observed);
    observe_start(f->d->engine, f->d->name, NULL, OBSERVE_CONTAINERS, &f->d->observed,
                  observed_to_stop, f);
}

static void on_died(struct foreground *f, const struct engine_event *e)
{
    const char *name = json_string_value(json_object_get(e->attributes, "name"));
    const char *text = json_string_value(json_object_get(e->attributes, "exitCode"));
    const char *service = json_string_value(
        json_object_get(e->attributes, "com.docker.compose.service"));
    const char *from = args_text(f->args, "exit-code-from");
    int64_t code = 0;
    bool aborts = false;
    if (text && parse_int(text, -255, 255, &code, NULL)) {
        code = 0;
    }
    map_remove(&f->running, e->id);
    note(f, name, service, e->id, (int)code);
    aborts = args_flag(f->args, "abort-on-container-exit") || from ||
             (args_flag(f->args, "abort-on-container-failure") && code != 0);
    if (from && str_eq(service, from)) {
        f->status = (int)code;
    } else if (aborts && !from && !f->stopping) {
        f->status = (int)code;
    }
    if (f->stopping) {
        return;
    }
    if (aborts) {
        if (f->up) {
            begin_stop(f);
        } else {
            run_cancel(f->d->walked);
        }
    } else if (f->up && !f->running.len) {
        finish(f);
    }
}

static void on_event(void *arg, const struct engine_event *e)
{
    struct foreground *f = arg;
    if (strcmp(e->type, "container") != 0 ||
        str_eq(json_string_value(json_object_get(e->attributes, "com.docker.compose.oneoff")),
               "True")) {
        return;
    }
    if (strcmp(e->action, "die") == 0) {
        on_died(f, e);
    } else if (strcmp(e->action, "start") == 0) {
        map_set(&f->running, e->id, f);
        if (f->d->walked) {
            run_attach_again(f->d->walked, e->id);
        }
    }
}

static void on_watch_end(void *arg, const struct err *err)
{
    struct foreground *f = arg;
    f->watch = NULL;
    if (err) {
        context_finish(f->d->ctx, -(int)err->code, err);
    }
}

static void on_interrupt(void *arg, int times)
{
    struct foreground *f = arg;
    f->interrupts = times;
    f->status = 130;
    if (!f->stopping) {
        begin_stop(f);
    } else if (times == 2 && f->stop) {
        run_cancel(f->stop);
        f->stop = NULL; /* ended by the cancel; freed with the plan's arena at exit */
        plan_release(&f->plan);
        take_down(f, true);
    }
}

/* What runs when the walk is over; events that came meanwhile count already. */
static int count_running(struct foreground *f, struct err *err)
{
    struct drive *d = f->d;
    int rc = 0;
    observed_release(&d->observed);
    observe_start(d->engine, d->name, NULL, OBSERVE_CONTAINERS, &d->observed, context_done, d->ctx);
    rc = context_wait(d->ctx, err);
    for (size_t i = 0; !rc && i < d->observed.container_count; i++) {
        const struct observed_container *c = &d->observed.containers[i];
        if (!c->oneoff && (c->state == CONTAINER_RUNNING || c->state == CONTAINER_RESTARTING) &&
            project_service(d->project, c->service)) {
            map_set(&f->running, c->id, f);
        }
    }
    return rc;
}

static int stay(struct foreground *f, struct err *err)
{
    struct drive *d = f->d;
    int rc = count_running(f, err);
    if (rc) {
        return rc;
    }
    context_summary(d->ctx, &d->observed, run_timeline(d->walked));
    f->up = true;
    if (!f->running.len) {
        return f->status;
    }
    context_on_interrupt(d->ctx, on_interrupt, f);
    rc = context_wait(d->ctx, err);
    context_on_interrupt(d->ctx, NULL, NULL);
    return rc;
}

int foreground_up(struct drive *d, const struct args *args, struct err *err)
{
    struct foreground f = {.d = d, .args = args};
    int rc = 0;
    d->run.flags |= RUN_ATTACH;
    d->run.attach_wanted = attach_wanted;
    d->run.attach_arg = &f;
    f.watch = engine_watch(d->engine, d->name, on_event, NULL, on_watch_end, &f);
    rc = drive_walk(d, plan_up, err);
    if (rc == -ERR_CANCELLED || (!rc && f.status)) { /* interrupted, or a container decided */
        f.status = f.status ? f.status : 130;
        begin_stop(&f);
        rc = context_wait(d->ctx, err);
    } else if (!rc) {
        rc = stay(&f, err);
    }
    engine_watch_cancel(f.watch);
    run_free(f.stop);
    plan_release(&f.plan);
    map_release(&f.running);
    return rc;
}
