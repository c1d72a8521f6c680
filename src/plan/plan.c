/*
 * The graph itself: units, steps, edges, ranks. Pure; the planners beside it decide what goes in.
 */
#include "plan/plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "plan/internal.h"

static const struct {
    const char *name;
    int64_t ms;
} kinds[] = {
#define STEP_KIND_ROW(id, name, ms) {name, ms},
    STEP_KIND_LIST(STEP_KIND_ROW)
#undef STEP_KIND_ROW
};

_Static_assert(ARRAY_LEN(kinds) == STEP_KIND_COUNT, "every kind of step has a row");

const char *step_kind_name(enum step_kind kind)
{
    return kind < STEP_KIND_COUNT ? kinds[kind].name : "?";
}

void plan_begin(struct plan *plan, const char *verb, const struct project *p,
                const struct observed *o)
{
    plan->verb = verb;
    plan->project = p;
    plan->observed = o;
}

void plan_release(struct plan *p)
{
    for (size_t i = 0; i < p->step_count; i++) {
        free(p->steps[i]->deps);
    }
    free(p->steps);
    free(p->units);
    free(p->notes);
    arena_release(&p->arena);
    *p = (struct plan){0};
}

struct plan_unit *plan_unit_add(struct plan *plan, const struct service *s, int number,
                                const char *name, const struct observed_container *existing)
{
    struct plan_unit *u = arena_alloc(&plan->arena, sizeof(*u));
    *u = (struct plan_unit){.index = plan->unit_count,
                            .service = s,
                            .number = number,
                            .name = arena_strdup(&plan->arena, name),
                            .existing = existing};
    if (plan->unit_count == plan->unit_cap) {
        plan->unit_cap = plan->unit_cap ? plan->unit_cap * 2 : 16;
        plan->units = xreallocarray(plan->units, plan->unit_cap, sizeof(*plan->units));
    }
    plan->units[plan->unit_count++] = u;
    return u;
}

struct step *plan_step(struct plan *plan, enum step_kind kind, const char *target,
                       const char *reason)
{
    struct step *s = arena_alloc(&plan->arena, sizeof(*s));
    *s = (struct step){.index = plan->step_count,
                       .kind = kind,
                       .target = arena_strdup(&plan->arena, target),
                       .id = "",
                       .reason = arena_strdup(&plan->arena, reason)};
    if (plan->step_count == plan->step_cap) {
        plan->step_cap = plan->step_cap ? plan->step_cap * 2 : 32;
        plan->steps = xreallocarray(plan->steps, plan->step_cap, sizeof(*plan->steps));
    }
    plan->steps[plan->step_count++] = s;
    return s;
}

struct step *plan_unit_step(struct plan *plan, enum step_kind kind, struct plan_unit *unit,
                            const char *reason)
{
    struct step *s = plan_step(plan, kind, unit->name, reason);
    s->unit = unit;
    s->service = unit->service;
    s->id = unit->existing ? unit->existing->id : "";
    return s;
}

void plan_after(struct plan *plan, struct step *after, const struct step *before, bool optional)
{
    (void)plan;
    if (!after || !before || after == before) {
        return;
    }
    for (size_t i = 0; i < after->dep_count; i++) {
        if (after->deps[i].step == before->index) {
            after->deps[i].optional = after->deps[i].optional && optional;
            return;
        }
    }
    if (after->dep_count == after->dep_cap) {
        after->dep_cap = after->dep_cap ? after->dep_cap * 2 : 4;
        after->deps = xreallocarray(after->deps, after->dep_cap, sizeof(*after->deps));
    }
    after->deps[after->dep_count++] = (struct step_dep){before->index, optional};
}

void plan_note(struct plan *plan, const char *hint, const char *fmt, ...)
{
    va_list ap;
    CLEANUP_FREE char *text = NULL;
    va_start(ap, fmt);
    text = xvasprintf(fmt, ap);
    va_end(ap);
    if (plan->note_count == plan->note_cap) {
        plan->note_cap = plan->note_cap ? plan->note_cap * 2 : 4;
        plan->notes = xreallocarray(plan->notes, plan->note_cap, sizeof(*plan->notes));
    }
    plan->notes[plan->note_count++] = (struct plan_note){arena_strdup(&plan->arena, text),
                                                         arena_strdup(&plan->arena, hint)};
}

/* Kahn's order; what is left over is on a cycle, which the loader should have refused. */
int plan_finish(struct plan *plan, struct err *err)
{
    size_t n = plan->step_count, head = 0, tail = 0;
    size_t *waiting = arena_array(&plan->arena, n, sizeof(*waiting));
    size_t *order = arena_array(&plan->arena, n, sizeof(*order));
    size_t *first = arena_array(&plan->arena, n + 1, sizeof(*first)); /* dependents, as ranges */
    size_t *dependents = NULL, edges = 0;
    for (size_t i = 0; i < n; i++) {
        waiting[i] = plan->steps[i]->dep_count;
        edges += waiting[i];
        for (size_t d = 0; d < plan->steps[i]->dep_count; d++) {
            first[plan->steps[i]->deps[d].step + 1]++;
        }
    }
    dependents = arena_array(&plan->arena, edges, sizeof(*dependents));
    for (size_t i = 0; i < n; i++) {
        first[i + 1] += first[i];
    }
    size_t *fill = arena_copy(&plan->arena, first, (n + 1) * sizeof(*first));
    for (size_t i = 0; i < n; i++) {
        for (size_t d = 0; d < plan->steps[i]->dep_count; d++) {
            dependents[fill[plan->steps[i]->deps[d].step]++] = i;
        }
        if (!waiting[i]) {
            order[tail++] = i;
        }
    }
    while (head < tail) {
        size_t s = order[head++];
        for (size_t e = first[s]; e < first[s + 1]; e++) {
            if (--waiting[dependents[e]] == 0) {
                order[tail++] = dependents[e];
            }
        }
    }
    if (tail < n) {
        return err_set(err, ERR_BUG, "the plan has a cycle");
    }
    while (head-- > 0) {
        struct step *s = plan->steps[order[head]];
        int64_t longest = 0;
        for (size_t e = first[s->index]; e < first[s->index + 1]; e++) {
            int64_t r = plan->steps[dependents[e]]->rank;
            longest = r > longest ? r : longest;
        }
        s->rank = longest + kinds[s->kind].ms * NS_PER_MS;
    }
    return 0;
}

bool plan_images_first(const struct plan *p)
{
    for (size_t i = 0; i < p->step_count; i++) {
        const struct step *s = p->steps[i];
        if (s->kind != STEP_IMAGE_PULL && s->kind != STEP_IMAGE_BUILD) {
            continue;
        }
        for (size_t u = 0; u < p->unit_count; u++) {
            const struct plan_unit *unit = p->units[u];
            if (unit->service && unit->existing && str_eq(unit->service->image, s->target)) {
                return true;
            }
        }
    }
    return false;
}

const char *plan_container_name(struct arena *a, const struct project *p, const struct service *s,
                                int number)
{
    return s->container_name ? s->container_name
                             : arena_printf(a, "%s-%s-%d", p->name, s->name, number);
}
