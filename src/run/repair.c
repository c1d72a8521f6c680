/*
 * What a command that was killed left in the engine's hands: its last request may still be carried
 * out after the next command has looked. Two networks of one name are made one again; a container
 * of ours that stands under the new one's name and never ran is removed. Driven by the engine's
 * refusals only: a run that meets none pays nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "engine/decode.h"
#include "run/internal.h"

/* Twenty waits, each longer than the last: two seconds in all. */
#define WAIT_STEP (10 * NS_PER_MS)
enum { TRIES_MAX = 20 };

struct repair {
    struct run_step *step;
    repaired_fn *done;
    struct err cause; /* the refusal; told when nothing can be repaired */
    char **ids;       /* networks of the name, the oldest first */
    size_t count, next;
    struct ev_timer *timer;
    bool in_use; /* one of the others has containers: then the oldest has none */
};

static void finish(struct repair *r, bool repaired)
{
    struct run_step *s = r->step;
    struct err cause = r->cause;
    repaired_fn *done = r->done;
    for (size_t i = 0; i < r->count; i++) {
        free(r->ids[i]);
    }
    free(r->ids);
    free(r);
    s->call = NULL;
    done(s, repaired ? NULL : &cause);
}

static struct repair *repair_new(struct run_step *s, const struct err *cause, repaired_fn *done)
{
    struct repair *r = xcalloc(1, sizeof(*r));
    s->repairs++;
    *r = (struct repair){.step = s, .done = done, .cause = *cause};
    return r;
}

/* --- networks --- */

static void remove_next(struct repair *r);

static void removed(void *arg, const struct engine_reply *reply, const struct err *err)
{
    struct repair *r = arg;
    (void)reply;
    if (err && err->status == 403) { /* active endpoints */
        r->in_use = true;
    } else if (err && err->status != 404) {
        finish(r, false);
        return;
    }
    r->next++;
    remove_next(r);
}

/* All but the oldest; and that one when another is in use. */
static void remove_next(struct repair *r)
{
    size_t last = r->count + (r->in_use ? 1 : 0);
    if (r->next >= last) {
        finish(r, true);
        return;
    }
    r->step->call = engine_network_remove(r->step->run->engine, r->ids[r->next % r->count], removed,
                                          r);
}

struct candidate {
    const char *id, *created;
};

static int by_age(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    int order = strcmp(x->created, y->created);
    return order ? order : strcmp(x->id, y->id);
}

/* "network NAME is ambiguous (2 matches found on name)", in any of the engine's wordings. */
static char *ambiguous_name(const struct err *err)
{
    const char *end = strstr(err->message, " is ambiguous"), *start = end;
    while (start && start > err->message && start[-1] != ' ') {
        start--;
    }
    return start && end > start ? xstrndup(start, (size_t)(end - start)) : NULL;
}

static void listed(void *arg, const struct engine_reply *reply, const struct err *err)
{
    struct repair *r = arg;
    CLEANUP_FREE char *name = ambiguous_name(&r->cause);
    size_t total = err ? 0 : json_array_size(reply->json);
    CLEANUP_FREE struct candidate *found = xcalloc(total + 1, sizeof(*found));
    r->step->call = NULL;
    for (size_t i = 0; i < total; i++) {
        const json_t *n = json_array_get(reply->json, i);
        if (strcmp(json_text(n, "Name"), name) == 0) {
            found[r->count++] = (struct candidate){json_text(n, "Id"), json_text(n, "Created")};
        }
    }
    if (r->count) {
        qsort(found, r->count, sizeof(*found), by_age);
    }
    r->ids = xcalloc(r->count + 1, sizeof(*r->ids));
    for (size_t i = 0; i < r->count; i++) {
        r->ids[i] = xstrdup(found[i].id);
    }
    r->next = 1;
    if (r->count) { /* one is left when another step of this run was quicker */
        remove_next(r);
    } else {
        finish(r, false);
    }
}

bool run_repair_network(struct run_step *s, const struct err *err, repaired_fn *done)
{
    CLEANUP_FREE char *name = ambiguous_name(err);
    if (!name || s->repairs) {
        return false;
    }
    s->call = engine_network_list(s->run->engine, s->run->plan->project->name, listed,
                                  repair_new(s, err, done));
    return true;
}

/* --- containers --- */

static void container_removed(void *arg, const struct engine_reply *reply, const struct err *err)
{
    (void)reply;
    finish(arg, !err || err->status == 404);
}

/* Ours, of this very service and number, and it never ran. */
static bool is_leftover(const struct run_step *s, const json_t *inspect)
{
    const json_t *labels = json_object_get(json_object_get(inspect, "Config"), "Labels");
    char number[16];
    snprintf(number, sizeof(number), "%d", s->step->unit->number);
    return strcmp(json_text(labels, "com.docker.compose.project"), s->run->plan->project->name) ==
               0 &&
           strcmp(json_text(labels, "com.docker.compose.service"), s->unit->service) == 0 &&
           strcmp(json_text(labels, "com.docker.compose.container-number"), number) == 0 &&
           strcmp(json_text(json_object_get(inspect, "State"), "Status"), "created") == 0;
}

static void waited(void *arg)
{
    struct repair *r = arg;
    ev_timer_free(r->timer);
    r->step->cancel_work = NULL;
    finish(r, true);
}

static void cancel_wait(struct run_step *s)
{
    struct repair *r = s->repair;
    ev_timer_free(r->timer);
    err_set(&r->cause, ERR_CANCELLED, "stopped while %s was being made", s->unit->name);
    finish(r, false);
}

/* The name is taken, and nobody is there: the engine is at it still. It will be soon, or never. */
static void wait_for_it(struct repair *r)
{
    struct run_step *s = r->step;
    s->repair = r;
    s->cancel_work = cancel_wait;
    r->timer = ev_timer_new(s->run->loop, waited, r);
    ev_timer_set(r->timer, clock_mono() + s->repairs * WAIT_STEP);
}

static void inspected(void *arg, const struct engine_reply *reply, const struct err *err)
{
    struct repair *r = arg;
    struct run_step *s = r->step;
    s->call = NULL;
    if (err && err->status == 404) {
        wait_for_it(r);
    } else if (err || !is_leftover(s, reply->json)) {
        finish(r, false);
    } else {
        s->call = engine_container_remove(s->run->engine, json_text(reply->json, "Id"),
                                          REMOVE_FORCE | REMOVE_VOLUMES, container_removed, r);
    }
}

bool run_repair_container(struct run_step *s, const struct err *err, repaired_fn *done)
{
    if (s->repairs >= TRIES_MAX || s->step->temporary || !strstr(err->message, "already in use")) {
        return false;
    }
    s->call = engine_container_inspect(s->run->engine, s->unit->name, inspected,
                                       repair_new(s, err, done));
    return true;
}
