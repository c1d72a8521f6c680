/*
 * Plans that take things away or act on what is there: down, stop, restart, kill, rm, pause.
 * Dependents go before what they depend on. Pure.
 */
#include <string.h>

#include "base/str.h"
#include "plan/internal.h"

struct step *plan_take_away(struct plan *plan, const struct observed_container *c,
                            const struct service *s, const char *reason, bool volumes)
{
    struct step *stop = NULL, *remove = NULL;
    for (size_t i = 0; i < plan->step_count; i++) {
        if (plan->steps[i]->kind == STEP_REMOVE && plan->steps[i]->victim == c) {
            return plan->steps[i];
        }
    }
    if (c->state == CONTAINER_RUNNING || c->state == CONTAINER_PAUSED ||
        c->state == CONTAINER_RESTARTING) {
        stop = plan_step(plan, STEP_STOP, c->name, reason);
        stop->victim = c;
        stop->service = s;
        stop->id = c->id;
    }
    remove = plan_step(plan, STEP_REMOVE, c->name, reason);
    remove->victim = c;
    remove->service = s;
    remove->id = c->id;
    remove->with_volumes = volumes;
    plan_after(plan, remove, stop, false);
    return remove;
}

/* In no file of the project, enabled or behind a profile. */
static bool is_orphan(const struct project *p, const struct observed_container *c)
{
    if (c->oneoff) {
        return c->state != CONTAINER_RUNNING;
    }
    if (project_service(p, c->service)) {
        return false;
    }
    for (size_t i = 0; i < p->disabled.count; i++) {
        if (strcmp(p->disabled.items[i], c->service) == 0) {
            return false;
        }
    }
    return true;
}

void plan_orphans(struct plan *plan, const struct plan_options *opts, bool remove)
{
    for (size_t i = 0; i < plan->observed->container_count; i++) {
        const struct observed_container *c = &plan->observed->containers[i];
        if (!is_orphan(plan->project, c)) {
            continue;
        }
        if (remove) {
            plan_take_away(plan, c, NULL, "orphan: its service is in no file", false);
        } else if (!(opts->flags & PLAN_IGNORE_ORPHANS) && !c->oneoff) {
            plan_note(plan,
                      "remove it with --remove-orphans, or ignore it with COMPOSE_IGNORE_ORPHANS=1",
                      "container %s is an orphan: no file has a service %s", c->name, c->service);
        }
    }
}

/* What a service's dependents run is stopped before its own steps that take away begin; their
 * removal nobody has to wait for. */
static void order_reverse(struct plan *plan)
{
    for (size_t i = 0; i < plan->step_count; i++) {
        struct step *s = plan->steps[i];
        bool first = s->kind == STEP_STOP || (s->kind == STEP_REMOVE && !s->dep_count);
        if (!s->service || !first) {
            continue;
        }
        for (size_t j = 0; j < plan->step_count; j++) {
            const struct step *other = plan->steps[j];
            if (!other->service || other->service == s->service || other->kind != STEP_STOP) {
                continue;
            }
            for (size_t d = 0; d < other->service->depends_on_count; d++) {
                if (strcmp(other->service->depends_on[d].service, s->service->name) == 0) {
                    plan_after(plan, s, other, true);
                }
            }
        }
    }
}

static void after_containers(struct plan *plan, struct step *s)
{
    for (size_t i = 0; i < plan->step_count; i++) {
        if (plan->steps[i]->kind == STEP_REMOVE) {
            plan_after(plan, s, plan->steps[i], true);
        }
    }
}

static void remove_networks(struct plan *plan)
{
    const struct observed *o = plan->observed;
    for (size_t i = 0; i < o->network_count; i++) {
        const struct observed_network *n = &o->networks[i];
        const struct network *declared = NULL;
        for (size_t k = 0; k < plan->project->network_count; k++) {
            if (strcmp(plan->project->networks[k].name, n->name) == 0) {
                declared = &plan->project->networks[k];
            }
        }
        if (strcmp(n->project, plan->project->name) != 0 || (declared && declared->external)) {
            continue;
        }
        struct step *s = plan_step(plan, STEP_NETWORK_REMOVE, n->name, "made by this project");
        s->id = n->id;
        s->network = declared;
        after_containers(plan, s);
    }
}

static void remove_volumes(struct plan *plan)
{
    const struct observed *o = plan->observed;
    for (size_t i = 0; i < o->volume_count; i++) {
        const struct observed_volume *v = &o->volumes[i];
        const struct volume *declared = NULL;
        for (size_t k = 0; k < plan->project->volume_count; k++) {
            if (strcmp(plan->project->volumes[k].name, v->name) == 0) {
                declared = &plan->project->volumes[k];
            }
        }
        if (strcmp(v->project, plan->project->name) != 0 || (declared && declared->external)) {
            continue;
        }
        struct step *s = plan_step(plan, STEP_VOLUME_REMOVE, v->name,
                                   "volumes are removed as asked");
        s->id = v->name;
        s->volume = declared;
        after_containers(plan, s);
    }
}

static void remove_images(struct plan *plan, const struct plan_options *opts)
{
    for (size_t i = 0; i < plan->project->service_count; i++) {
        const struct service *s = &plan->project->services[i];
        bool local = s->build && !s->image_set;
        bool seen = !s->image || !(local || (opts->flags & PLAN_RMI_ALL));
        for (size_t k = 0; k < plan->step_count && !seen; k++) {
            seen = plan->steps[k]->kind == STEP_IMAGE_REMOVE &&
                   strcmp(plan->steps[k]->target, s->image) == 0;
        }
        const struct observed_image *have = s->image ? observed_image(plan->observed, s->image)
                                                     : NULL;
        if (seen || (have && !have->id[0])) {
            continue;
        }
        struct step *step = plan_step(plan, STEP_IMAGE_REMOVE, s->image,
                                      "images are removed as asked");
        step->id = s->image;
        step->service = s;
        after_containers(plan, step);
    }
}

int plan_down(const struct project *p, const struct observed *o, const struct plan_options *opts,
              struct plan *ret, struct err *err)
{
    bool *selected = NULL;
    int rc = 0;
    plan_begin(ret, "down", p, o);
    rc = plan_select(&ret->arena, p, opts, SELECT_DEPENDENTS, &selected, err);
    if (rc) {
        return rc;
    }
    for (size_t i = 0; i < o->container_count; i++) {
        const struct observed_container *c = &o->containers[i];
        const struct service *s = project_service(p, c->service);
        bool mine = s && selected[plan_service_index(p, s)] &&
                    (!c->oneoff || (opts->flags & PLAN_ONEOFF));
        if (mine) {
            plan_take_away(ret, c, s, "down", opts->flags & PLAN_VOLUMES);
        }
    }
    plan_orphans(ret, opts, opts->flags & PLAN_REMOVE_ORPHANS);
    order_reverse(ret);
    if (!opts->service_count) {
        remove_networks(ret);
    }
    if (opts->flags & PLAN_VOLUMES) {
        remove_volumes(ret);
    }
    if (opts->flags & (PLAN_RMI_LOCAL | PLAN_RMI_ALL)) {
        remove_images(ret, opts);
    }
    return plan_finish(ret, err);
}

int plan_stop(const struct project *p, const struct observed *o, const struct plan_options *opts,
              struct plan *ret, struct err *err)
{
    bool *selected = NULL;
    int rc = 0;
    plan_begin(ret, "stop", p, o);
    rc = plan_select(&ret->arena, p, opts, SELECT_ONLY, &selected, err);
    if (rc) {
        return rc;
    }
    for (size_t i = 0; i < o->container_count; i++) {
        const struct observed_container *c = &o->containers[i];
        const struct service *s = c->oneoff ? NULL : project_service(p, c->service);
        if (s && selected[plan_service_index(p, s)] &&
            (c->state == CONTAINER_RUNNING || c->state == CONTAINER_PAUSED ||
             c->state == CONTAINER_RESTARTING)) {
            struct step *stop = plan_step(ret, STEP_STOP, c->name, "asked for");
            stop->victim = c;
            stop->service = s;
            stop->id = c->id;
        }
    }
    order_reverse(ret);
    return plan_finish(ret, err);
}

/* The named services and, unless --no-deps, the dependents that ask for it (restart: true). */
static void add_bounced(const struct project *p, bool *selected)
{
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < p->service_count; i++) {
            for (size_t d = 0; !selected[i] && d < p->services[i].depends_on_count; d++) {
                const struct depends_on *dep = &p->services[i].depends_on[d];
                const struct service *on = project_service(p, dep->service);
                if (dep->restart && on && selected[plan_service_index(p, on)]) {
                    selected[i] = true;
                    changed = true;
                }
            }
        }
    }
}

/* Others wait for its success: it is proved by its end, not by being ready. */
static bool is_job(const struct project *p, const struct service *s)
{
    for (size_t i = 0; i < p->service_count; i++) {
        for (size_t d = 0; d < p->services[i].depends_on_count; d++) {
            const struct depends_on *dep = &p->services[i].depends_on[d];
            if (dep->condition == CONDITION_COMPLETED && strcmp(dep->service, s->name) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* What a restart does, by index of the observed container. */
struct restarting {
    struct plan *plan;
    bool *selected, *proved;     /* by service */
    struct step **first, **last; /* a container's restart and its proof, or NULL */
};

static void restart_container(struct restarting *r, size_t i)
{
    const struct observed_container *c = &r->plan->observed->containers[i];
    const struct service *s = c->oneoff ? NULL : project_service(r->plan->project, c->service);
    size_t si = s ? plan_service_index(r->plan->project, s) : 0;
    struct plan_unit *unit = NULL;
    const char *reason = "must be ready again";
    bool job = false;
    if (!s || !(r->selected[si] || (r->proved[si] && c->state == CONTAINER_RUNNING))) {
        return;
    }
    unit = plan_unit_add(r->plan, s, c->number, c->name, c);
    job = is_job(r->plan->project, s);
    if (r->selected[si]) {
        r->first[i] = plan_unit_step(r->plan, STEP_RESTART, unit, "asked for");
        reason = job ? "must succeed again" : reason;
    } else {
        unit->unchanged = true;
        reason = "a dependency was restarted";
    }
    r->last[i] = plan_unit_step(r->plan, job ? STEP_EXIT : STEP_PROVE, unit, reason);
    plan_after(r->plan, r->last[i], r->first[i], false);
}

/* A container's first step follows the proofs of all containers of the dependency. */
static void restart_after(struct restarting *r, size_t i, const struct depends_on *dep)
{
    const struct observed *o = r->plan->observed;
    struct step *begin = r->first[i] ? r->first[i] : r->last[i];
    for (size_t j = 0; j < o->container_count; j++) {
        if (r->last[j] && strcmp(o->containers[j].service, dep->service) == 0) {
            plan_after(r->plan, begin, r->last[j], !dep->required);
        }
    }
}

/*
 * Restart in dependency order: each service is restarted and proved before its dependents are; the
 * dependents of a restarted service are proved again, because their connections were cut.
 */
int plan_restart(const struct project *p, const struct observed *o, const struct plan_options *opts,
                 struct plan *ret, struct err *err)
{
    struct restarting r = {.plan = ret};
    int rc = 0;
    plan_begin(ret, "restart", p, o);
    rc = plan_select(&ret->arena, p, opts, SELECT_ONLY, &r.selected, err);
    rc = rc ? rc : plan_select(&ret->arena, p, opts, SELECT_DEPENDENTS, &r.proved, err);
    if (rc) {
        return rc;
    }
    if (!(opts->flags & PLAN_NO_DEPS)) {
        add_bounced(p, r.selected);
    }
    r.first = arena_array(&ret->arena, o->container_count + 1, sizeof(struct step *));
    r.last = arena_array(&ret->arena, o->container_count + 1, sizeof(struct step *));
    for (size_t i = 0; i < o->container_count; i++) {
        restart_container(&r, i);
    }
    for (size_t i = 0; i < o->container_count; i++) {
        const struct service *s = r.last[i] ? r.last[i]->service : NULL;
        for (size_t d = 0; s && d < s->depends_on_count; d++) {
            restart_after(&r, i, &s->depends_on[d]);
        }
    }
    return plan_finish(ret, err);
}

static bool applies(enum step_kind kind, const struct observed_container *c, unsigned flags)
{
    bool running = c->state == CONTAINER_RUNNING || c->state == CONTAINER_RESTARTING ||
                   c->state == CONTAINER_PAUSED;
    switch (kind) {
    case STEP_KILL:
        return running;
    case STEP_PAUSE:
        return c->state == CONTAINER_RUNNING;
    case STEP_UNPAUSE:
        return c->state == CONTAINER_PAUSED;
    case STEP_REMOVE:
        return !running || (flags & PLAN_FORCE);
    default:
        return false;
    }
}

int plan_each(const struct project *p, const struct observed *o, const struct plan_options *opts,
              enum step_kind kind, struct plan *ret, struct err *err)
{
    static const char *const verbs[STEP_KIND_COUNT] = {[STEP_KILL] = "kill",
                                                       [STEP_PAUSE] = "pause",
                                                       [STEP_UNPAUSE] = "unpause",
                                                       [STEP_REMOVE] = "rm"};
    bool *selected = NULL;
    int rc = 0;
    plan_begin(ret, verbs[kind], p, o);
    rc = plan_select(&ret->arena, p, opts, SELECT_ONLY, &selected, err);
    if (rc) {
        return rc;
    }
    for (size_t i = 0; i < o->container_count; i++) {
        const struct observed_container *c = &o->containers[i];
        const struct service *s = project_service(p, c->service);
        if (!s || !selected[plan_service_index(p, s)] || !applies(kind, c, opts->flags) ||
            (c->oneoff && !(opts->flags & PLAN_ONEOFF))) {
            continue;
        }
        if (kind == STEP_REMOVE) {
            plan_take_away(ret, c, s, "asked for", opts->flags & PLAN_VOLUMES);
            continue;
        }
        struct step *step = plan_step(ret, kind, c->name, "asked for");
        step->victim = c;
        step->service = s;
        step->id = c->id;
        step->signal = opts->signal;
    }
    if (kind == STEP_REMOVE) {
        order_reverse(ret);
    }
    plan_orphans(ret, opts, kind == STEP_KILL && (opts->flags & PLAN_REMOVE_ORPHANS));
    return plan_finish(ret, err);
}
