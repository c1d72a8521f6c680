/*
 * What people see of a run: units with one state each, changed by one setter that checks the move
 * and emits the event; and the timeline kept beside. Knows no engine.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "run/internal.h"

#define BIT(state) (UINT64_C(1) << UNIT_##state)
#define ALL_BITS ((UINT64_C(1) << UNIT_STATE_COUNT) - 1)

/* From a state (row) to which others. FAILED and SKIPPED may follow anything but themselves. */
static const uint64_t moves[UNIT_STATE_COUNT] = {
    [UNIT_PLANNED] = ALL_BITS,
    [UNIT_PULLING] = BIT(PULLED),
    [UNIT_PULLED] = 0,
    [UNIT_BUILDING] = BIT(BUILT),
    [UNIT_BUILT] = BIT(REMOVING),
    [UNIT_CREATING] = BIT(CREATED) | BIT(RECREATED),
    [UNIT_CREATED] = BIT(WAITING) | BIT(STARTING) | BIT(REMOVING),
    [UNIT_RECREATING] = BIT(RECREATED) | BIT(STOPPING) | BIT(REMOVING) | BIT(CREATED),
    [UNIT_RECREATED] = BIT(WAITING) | BIT(STARTING),
    [UNIT_WAITING] = BIT(STARTING) | BIT(WAITING) | BIT(REMOVING),
    [UNIT_STARTING] = BIT(STARTED) | BIT(PROVING) | BIT(READY) | BIT(COMPLETED) | BIT(EXITED),
    [UNIT_STARTED] = ALL_BITS,
    [UNIT_PROVING] = BIT(READY) | BIT(STARTED) | BIT(COMPLETED) | BIT(EXITED) | BIT(PROVING) |
                     BIT(STOPPING) | BIT(RUNNING),
    [UNIT_READY] = ALL_BITS,
    [UNIT_RUNNING] = ALL_BITS,
    [UNIT_COMPLETED] = ALL_BITS,
    [UNIT_EXITED] = ALL_BITS,
    [UNIT_STOPPING] = BIT(STOPPED) | BIT(RECREATING),
    [UNIT_STOPPED] = BIT(REMOVING) | BIT(STARTING) | BIT(WAITING) | BIT(RECREATING),
    [UNIT_RESTARTING] = BIT(STARTED) | BIT(PROVING) | BIT(READY),
    [UNIT_KILLING] = BIT(KILLED),
    [UNIT_KILLED] = BIT(REMOVING),
    [UNIT_PAUSED] = BIT(UNPAUSED) | BIT(STARTED) | BIT(PROVING),
    [UNIT_UNPAUSED] = BIT(PROVING) | BIT(READY),
    [UNIT_REMOVING] = BIT(REMOVED),
    [UNIT_REMOVED] = BIT(CREATING) | BIT(RECREATING),
    [UNIT_SKIPPED] = 0,
    [UNIT_FAILED] = 0,
};

int64_t run_elapsed(const struct run *r)
{
    return clock_mono() - r->began;
}

struct run_unit *run_unit(struct run *r, enum unit_kind kind, const char *name, const char *service)
{
    CLEANUP_FREE char *key = xasprintf("%d/%s", kind, name);
    struct run_unit *u = map_get(&r->units, key);
    if (!u) {
        u = xcalloc(1, sizeof(*u));
        *u = (struct run_unit){
            .kind = kind, .name = name, .service = service ? service : "", .since = clock_mono()};
        map_set(&r->units, key, u);
    }
    return u;
}

struct run_unit *run_unit_by_id(struct run *r, const char *id)
{
    MAP_FOREACH (e, &r->units) {
        struct run_unit *u = e->value;
        if (u->kind == UNIT_CONTAINER && u->id && strcmp(u->id, id) == 0) {
            return u;
        }
    }
    return NULL;
}

void run_unit_free(struct run_unit *u)
{
    free(u->id);
    free(u->evidence);
    free(u);
}

void run_unit_set(struct run *r, struct run_unit *u, enum unit_state state, const char *fmt, ...)
{
    int64_t now = clock_mono();
    CLEANUP_FREE char *text = NULL;
    struct event e = {.kind = EVENT_UNIT,
                      .mono = now,
                      .wall = clock_wall(),
                      .unit = u->kind,
                      .name = u->name,
                      .service = u->service,
                      .id = u->id,
                      .state = state,
                      .previous = u->state,
                      .duration = now - u->since};
    bool ends = state == UNIT_FAILED || state == UNIT_SKIPPED;
    if (!(moves[u->state] & (UINT64_C(1) << state)) && !ends && state != u->state) {
        log_debug("run", "%s: %s -> %s is not a move that was foreseen", u->name,
                  unit_state_name(u->state), unit_state_name(state));
    }
    if (fmt) {
        va_list ap;
        va_start(ap, fmt);
        text = xvasprintf(fmt, ap);
        va_end(ap);
    }
    e.text = text;
    log_debug("run", "%s: %s -> %s %s", u->name, unit_state_name(u->state), unit_state_name(state),
              text ? text : "");
    if (u->state != state) {
        u->since = now;
    }
    u->state = state;
    event_emit(r->hub, &e);
}

void run_unit_probe(struct run *r, struct run_unit *u, const struct outcome *o)
{
    struct event e = {.kind = EVENT_PROBE,
                      .mono = clock_mono(),
                      .wall = clock_wall(),
                      .unit = u->kind,
                      .name = u->name,
                      .service = u->service,
                      .id = u->id,
                      .state = u->state,
                      .previous = u->state,
                      .text = o->text,
                      .outcome = *o,
                      .duration = o->duration};
    event_emit(r->hub, &e);
}

struct timeline_entry *run_entry(struct run *r, struct run_unit *u)
{
    if (u->entry) {
        return u->entry;
    }
    u->entry = arena_alloc(&r->timeline.arena, sizeof(*u->entry));
    *u->entry = (struct timeline_entry){.name = arena_strdup(&r->timeline.arena, u->name),
                                        .service = arena_strdup(&r->timeline.arena, u->service),
                                        .proof = "",
                                        .blocker = "",
                                        .create_begin = -1,
                                        .create_end = -1,
                                        .start_begin = -1,
                                        .start_end = -1,
                                        .ready = -1};
    if (r->timeline.count == r->timeline_cap) {
        r->timeline_cap = r->timeline_cap ? r->timeline_cap * 2 : 16;
        r->entries = xreallocarray(r->entries, r->timeline_cap, sizeof(struct timeline_entry *));
    }
    r->entries[r->timeline.count++] = u->entry;
    return u->entry;
}
