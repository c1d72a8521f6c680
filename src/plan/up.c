/*
 * The plan of `up`, `create`, `start` and `scale`: images, networks and volumes, then for each
 * container the shortest way from what it is to what it should be. Creation waits only for what it
 * needs; a start waits for its gates. Pure.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "plan/internal.h"

enum { REPLICAS_MAX = 10000 };

/* What the steps of one service came to; other services' edges refer to it. */
struct service_steps {
    struct vec created; /* the step after which the container exists under its final name */
    struct vec started;
    struct vec proved;
    struct vec exited;
    struct step *image;
    bool recreated;
};

struct up {
    struct plan *plan;
    const struct project *p;
    const struct observed *o;
    const struct plan_options *opts;
    bool *selected;
    bool images_only;         /* also of services that are scaled to nothing */
    bool *named;              /* named on the command line: force flags apply to these */
    struct service_steps *of; /* by service index */
    struct step **networks;   /* by network index: the step after which it exists, or NULL */
    struct step **volumes;
};

static struct service_steps *steps_of(struct up *u, const struct service *s)
{
    return &u->of[plan_service_index(u->p, s)];
}

static int replicas_of(const struct up *u, const struct service *s)
{
    for (size_t i = 0; i < u->opts->scale_count; i++) {
        if (strcmp(u->opts->scales[i].service, s->name) == 0) {
            return u->opts->scales[i].replicas;
        }
    }
    return s->replicas;
}

/* --- images --- */

enum image_need { IMAGE_PRESENT, IMAGE_PULL, IMAGE_BUILD };

static int image_need(const struct up *u, const struct service *s, const struct observed_image *i,
                      enum image_need *ret, const char **reason, struct err *err)
{
    bool present = i && i->id[0], buildable = s->build && !(u->opts->flags & PLAN_NO_BUILD);
    enum pull_policy policy = s->pull_policy;
    static const enum pull_policy overrides[] = {[PULL_OVERRIDE_ALWAYS] = PULL_ALWAYS,
                                                 [PULL_OVERRIDE_MISSING] = PULL_MISSING,
                                                 [PULL_OVERRIDE_NEVER] = PULL_NEVER,
                                                 [PULL_OVERRIDE_BUILD] = PULL_BUILD};
    if (u->opts->pull != PULL_AS_SAID) {
        policy = overrides[u->opts->pull];
    }
    *ret = IMAGE_PRESENT;
    if ((u->opts->flags & PLAN_IMAGES_DONE) && present) {
        return 0;
    }
    if (buildable && ((u->opts->flags & PLAN_BUILD) || policy == PULL_BUILD)) {
        *ret = IMAGE_BUILD;
        *reason = u->opts->flags & PLAN_BUILD ? "asked for" : "pull_policy: build";
    } else if (policy == PULL_ALWAYS && !s->build) {
        *ret = IMAGE_PULL;
        *reason = "pull_policy: always";
    } else if (present && policy == PULL_EVERY && !s->build &&
               clock_add(i->last_tag_time, s->pull_interval) < u->opts->now) {
        *ret = IMAGE_PULL;
        *reason = "older than its pull_policy allows";
    } else if (!present && buildable) {
        *ret = IMAGE_BUILD;
        *reason = "not on the engine";
    } else if (!present && policy != PULL_NEVER && !(s->build && !s->image_set)) {
        *ret = IMAGE_PULL;
        *reason = "not on the engine";
    } else if (!present) {
        err_set(err, ERR_NOT_FOUND, "image %s is not on the engine and may not be %s", s->image,
                s->build ? "built (--no-build)" : "pulled (pull policy: never)");
        err_subject(err, s->name);
        err_at(err, s->at.file, s->at.line, s->at.col);
        err_hint(err, s->build ? "build it: build %s" : "load it, or allow pulling: pull %s",
                 s->name);
        return -ERR_NOT_FOUND;
    }
    return 0;
}

static int add_image(struct up *u, const struct service *s, struct err *err)
{
    const struct observed_image *image = s->image ? observed_image(u->o, s->image) : NULL;
    enum image_need need = IMAGE_PRESENT;
    const char *reason = NULL;
    int rc = 0;
    if (!s->image || s->provider_type) {
        return 0;
    }
    for (size_t i = 0; i < u->plan->step_count; i++) { /* one step per image */
        struct step *step = u->plan->steps[i];
        bool build = step->kind == STEP_IMAGE_BUILD;
        if ((build || step->kind == STEP_IMAGE_PULL) && strcmp(step->target, s->image) == 0) {
            if (!build && s->build) {
                continue; /* this one can build what the other would pull */
            }
            steps_of(u, s)->image = step;
            return 0;
        }
    }
    rc = image_need(u, s, image, &need, &reason, err);
    if (rc || need == IMAGE_PRESENT) {
        return rc;
    }
    struct step *step = plan_step(u->plan, need == IMAGE_BUILD ? STEP_IMAGE_BUILD : STEP_IMAGE_PULL,
                                  s->image, reason);
    step->service = s;
    steps_of(u, s)->image = step;
    return 0;
}

/* build.additional_contexts "service:x": x is built first. */
static void order_builds(struct up *u)
{
    for (size_t i = 0; i < u->p->service_count; i++) {
        const struct service *s = &u->p->services[i];
        for (size_t c = 0; s->build && c < s->build->additional_contexts.count; c++) {
            const char *value = s->build->additional_contexts.items[c].value;
            const struct service *from = value && str_starts(value, "service:")
                                             ? project_service(u->p, value + 8)
                                             : NULL;
            if (from && steps_of(u, from)->image) {
                plan_after(u->plan, u->of[i].image, steps_of(u, from)->image, false);
            }
        }
    }
}

static int add_images(struct up *u, struct err *err)
{
    for (int buildable = 1; buildable >= 0; buildable--) { /* builders first: pullers share them */
        for (size_t i = 0; i < u->p->service_count; i++) {
            const struct service *s = &u->p->services[i];
            bool wanted = u->selected[i] && (u->images_only || replicas_of(u, s) > 0);
            if (wanted && !s->build == !buildable) {
                int rc = add_image(u, s, err);
                if (rc) {
                    return rc;
                }
            }
        }
    }
    order_builds(u);
    return 0;
}

/* --- networks and volumes --- */

static bool network_used(const struct up *u, const struct network *n)
{
    for (size_t i = 0; i < u->p->service_count; i++) {
        for (size_t j = 0; u->selected[i] && j < u->p->services[i].network_count; j++) {
            if (strcmp(u->p->services[i].networks[j].network, n->key) == 0) {
                return true;
            }
        }
    }
    return false;
}

static bool volume_used(const struct up *u, const struct volume *v)
{
    for (size_t i = 0; i < u->p->service_count; i++) {
        const struct service *s = &u->p->services[i];
        for (size_t j = 0; u->selected[i] && j < s->mount_count; j++) {
            if (s->mounts[j].type == MOUNT_VOLUME && str_eq(s->mounts[j].source, v->key)) {
                return true;
            }
        }
    }
    return false;
}

static int missing_external(const char *what, const char *name, struct pos at, struct err *err)
{
    err_set(err, ERR_NOT_FOUND, "%s %s is declared as external, but does not exist", what, name);
    err_subject(err, name);
    err_at(err, at.file, at.line, at.col);
    err_hint(err, "create it (docker %s create %s) or remove 'external: true'", what, name);
    return -ERR_NOT_FOUND;
}

/* A network whose definition changed is made anew; its containers are recreated (recreate.c sees
 * that they are on another id). */
static void replace_network(struct up *u, const struct network *n,
                            const struct observed_network *have, struct step *create)
{
    struct step *gone = plan_step(u->plan, STEP_NETWORK_REMOVE, have->name,
                                  "its definition changed");
    gone->id = have->id;
    gone->network = n;
    plan_after(u->plan, create, gone, false);
    for (size_t i = 0; i < u->o->container_count; i++) {
        const struct observed_container *c = &u->o->containers[i];
        bool on = false;
        for (size_t e = 0; e < c->endpoint_count; e++) {
            on = on || strcmp(c->endpoints[e].network, have->name) == 0;
        }
        if (on) {
            plan_after(u->plan, gone,
                       plan_take_away(u->plan, c, project_service(u->p, c->service),
                                      "its network is made anew", false),
                       false);
        }
    }
}

static int add_network(struct up *u, size_t index, struct err *err)
{
    const struct network *n = &u->p->networks[index];
    const struct observed_network *have = observed_network(u->o, n->name);
    if (!network_used(u, n)) {
        return 0;
    }
    if (n->external) {
        bool builtin = str_eq(n->name, "host") || str_eq(n->name, "bridge") ||
                       str_eq(n->name, "none");
        return have || builtin ? 0 : missing_external("network", n->name, n->at, err);
    }
    if (have && have->project[0] && strcmp(have->project, u->p->name) != 0) {
        plan_note(u->plan, "declare it as external, or give it another name",
                  "network %s was made by project %s and is shared with it", n->name,
                  have->project);
        return 0;
    }
    if (have && !have->project[0]) {
        plan_note(u->plan, "set external: true to use it as it is",
                  "network %s exists but was not made by Compose", n->name);
        return 0;
    }
    if (have && (!have->config_hash[0] || str_eq(have->config_hash, n->config_hash))) {
        return 0;
    }
    if (have && (u->opts->flags & (PLAN_EXISTING_ONLY | PLAN_NO_RECREATE))) {
        return 0;
    }
    struct step *create = plan_step(u->plan, STEP_NETWORK_CREATE, n->name,
                                    have ? "its definition changed" : "does not exist");
    create->network = n;
    u->networks[index] = create;
    if (have) {
        replace_network(u, n, have, create);
    }
    return 0;
}

static int add_volume(struct up *u, size_t index, struct err *err)
{
    const struct volume *v = &u->p->volumes[index];
    const struct observed_volume *have = observed_volume(u->o, v->name);
    if (!volume_used(u, v)) {
        return 0;
    }
    if (v->external) {
        return have ? 0 : missing_external("volume", v->name, v->at, err);
    }
    if (have && have->project[0] && strcmp(have->project, u->p->name) != 0) {
        plan_note(u->plan, "set external: true to say that it is shared",
                  "volume %s was made by project %s", v->name, have->project);
    } else if (have && !have->project[0]) {
        plan_note(u->plan, "set external: true to use it as it is",
                  "volume %s exists but was not made by Compose", v->name);
    } else if (have && have->config_hash[0] && !str_eq(have->config_hash, v->config_hash)) {
        if (!(u->opts->flags & PLAN_YES)) {
            plan_note(u->plan, "--yes makes it anew; its data is lost",
                      "volume %s has another definition than the file; it is kept as it is",
                      v->name);
            return 0;
        }
        struct step *gone = plan_step(u->plan, STEP_VOLUME_REMOVE, v->name,
                                      "its definition changed");
        struct step *create = plan_step(u->plan, STEP_VOLUME_CREATE, v->name,
                                        "its definition changed");
        gone->volume = create->volume = v;
        gone->id = v->name;
        plan_after(u->plan, create, gone, false);
        u->volumes[index] = create;
        for (size_t i = 0; i < u->o->container_count; i++) {
            const struct observed_container *c = &u->o->containers[i];
            for (size_t m = 0; m < c->mount_count; m++) {
                if (strcmp(c->mounts[m].name, v->name) == 0) {
                    plan_after(u->plan, gone,
                               plan_take_away(u->plan, c, project_service(u->p, c->service),
                                              "its volume is made anew", false),
                               false);
                    break;
                }
            }
        }
    } else if (!have) {
        struct step *create = plan_step(u->plan, STEP_VOLUME_CREATE, v->name, "does not exist");
        create->volume = v;
        u->volumes[index] = create;
    }
    return 0;
}

/* --- containers --- */

/* A step that takes this container away already (its network or volume is made anew). */
static struct step *already_removed(struct up *u, const struct observed_container *c)
{
    for (size_t i = 0; i < u->plan->step_count; i++) {
        if (u->plan->steps[i]->kind == STEP_REMOVE && u->plan->steps[i]->victim == c) {
            return u->plan->steps[i];
        }
    }
    return NULL;
}

/* The edges of a CREATE: image, networks, volumes, and containers whose id goes into its body. */
static void order_create(struct up *u, const struct service *s, struct step *create)
{
    plan_after(u->plan, create, steps_of(u, s)->image, false);
    for (size_t i = 0; i < s->network_count; i++) {
        const struct network *n = project_network(u->p, s->networks[i].network);
        if (n) {
            plan_after(u->plan, create, u->networks[n - u->p->networks], false);
        }
    }
    for (size_t i = 0; i < s->mount_count; i++) {
        const struct volume *v = s->mounts[i].type == MOUNT_VOLUME && s->mounts[i].source
                                     ? project_volume(u->p, s->mounts[i].source)
                                     : NULL;
        if (v) {
            plan_after(u->plan, create, u->volumes[v - u->p->volumes], false);
        }
    }
}

static void add_prove(struct up *u, struct plan_unit *unit, struct step *start)
{
    struct service_steps *of = steps_of(u, unit->service);
    bool healthy = u->opts->flags & PLAN_PROVE_ALL, completed = false;
    for (size_t i = 0; i < u->p->service_count; i++) {
        const struct service *s = &u->p->services[i];
        for (size_t d = 0; u->selected[i] && d < s->depends_on_count; d++) {
            if (strcmp(s->depends_on[d].service, unit->service->name) == 0) {
                healthy = healthy || s->depends_on[d].condition == CONDITION_HEALTHY;
                completed = completed || s->depends_on[d].condition == CONDITION_COMPLETED;
            }
        }
    }
    if (completed) {
        struct step *exit = plan_unit_step(u->plan, STEP_EXIT, unit, "others wait for its success");
        plan_after(u->plan, exit, start, false);
        vec_push(&of->exited, exit);
    } else if (healthy) {
        struct step *prove = plan_unit_step(u->plan, STEP_PROVE, unit,
                                            unit->unchanged ? "runs already; proved again"
                                                            : "must be ready");
        plan_after(u->plan, prove, start, false);
        vec_push(&of->proved, prove);
    }
}

static void add_start(struct up *u, struct plan_unit *unit, const struct step *ready,
                      enum step_kind kind, const char *reason)
{
    struct step *start = NULL;
    if (u->opts->flags & PLAN_NO_START) {
        return;
    }
    start = plan_unit_step(u->plan, kind, unit, reason);
    plan_after(u->plan, start, ready, false);
    vec_push(&steps_of(u, unit->service)->started, start);
    add_prove(u, unit, start);
}

static void add_new(struct up *u, const struct service *s, int number)
{
    const char *name = plan_container_name(&u->plan->arena, u->p, s, number);
    struct plan_unit *unit = plan_unit_add(u->plan, s, number, name, NULL);
    struct step *create = plan_unit_step(u->plan, STEP_CREATE, unit, "does not exist");
    order_create(u, s, create);
    vec_push(&steps_of(u, s)->created, create);
    add_start(u, unit, create, STEP_START, "created");
}

/* create under a temporary name, stop and remove the old one, take its name */
static void add_recreate(struct up *u, const struct service *s, const struct observed_container *c,
                         int number, const char *reason)
{
    const char *name = plan_container_name(&u->plan->arena, u->p, s, number);
    struct plan_unit *unit = plan_unit_add(u->plan, s, number, name, NULL);
    struct step *create = NULL, *gone = already_removed(u, c), *last = NULL;
    unit->replaces = c;
    create = plan_unit_step(u->plan, STEP_CREATE, unit, reason);
    order_create(u, s, create);
    steps_of(u, s)->recreated = true;
    if (gone) { /* it goes first anyway: no temporary name is needed */
        plan_after(u->plan, create, gone, false);
        last = create;
    } else {
        create->temporary = true;
        gone = plan_take_away(u->plan, c, s, reason, false);
        for (size_t i = 0; i < u->plan->step_count; i++) { /* both of its steps follow the create */
            if (u->plan->steps[i]->victim == c) {
                plan_after(u->plan, u->plan->steps[i], create, false);
            }
        }
        last = plan_unit_step(u->plan, STEP_RENAME, unit, "takes the old container's name");
        plan_after(u->plan, last, gone, false);
        plan_after(u->plan, last, create, false);
    }
    vec_push(&steps_of(u, s)->created, create);
    add_start(u, unit, last, STEP_START, "recreated");
}

/* A leftover of an interrupted recreate still has its temporary name: it gets its own once free. */
static struct step *regain_name(struct up *u, struct plan_unit *unit)
{
    const char *name = plan_container_name(&u->plan->arena, u->p, unit->service, unit->number);
    const struct observed_container *holder = observed_container(u->o, name);
    struct step *rename = NULL, *gone = holder ? already_removed(u, holder) : NULL;
    if (strcmp(unit->existing->name, name) == 0 || !unit->existing->replace[0] ||
        (holder && !gone)) {
        return NULL;
    }
    unit->name = name;
    rename = plan_unit_step(u->plan, STEP_RENAME, unit, "an interrupted run left a temporary name");
    plan_after(u->plan, rename, gone, false);
    return rename;
}

static void add_existing(struct up *u, const struct service *s, const struct observed_container *c)
{
    struct plan_unit *unit = plan_unit_add(u->plan, s, c->number ? c->number : 1, c->name, c);
    struct step *named = u->opts->flags & PLAN_EXISTING_ONLY ? NULL : regain_name(u, unit);
    switch (c->state) {
    case CONTAINER_RUNNING:
    case CONTAINER_RESTARTING:
        unit->unchanged = true;
        if (!(u->opts->flags & PLAN_NO_START)) {
            add_prove(u, unit, named);
        }
        break;
    case CONTAINER_PAUSED:
        add_start(u, unit, named, STEP_UNPAUSE, "is paused");
        break;
    default:
        add_start(u, unit, named, STEP_START,
                  c->state == CONTAINER_CREATED ? "was created, never started" : "is not running");
        break;
    }
}

struct candidate {
    const struct observed_container *c;
    const char *reason; /* to recreate, or NULL */
};

/* Who stays when there are too many: unchanged before changed, running first, low numbers first. */
static int by_worth(const void *x, const void *y)
{
    const struct candidate *a = x, *b = y;
    int d = (a->reason != NULL) - (b->reason != NULL);
    d = d ? d : (b->c->state == CONTAINER_RUNNING) - (a->c->state == CONTAINER_RUNNING);
    return d ? d : a->c->number - b->c->number;
}

/* Takes away what is too much, the best stay in list; two with one number are an interrupted run.
 */
static void take_surplus(struct up *u, const struct service *s, struct candidate *list,
                         size_t *count, int wanted)
{
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        bool twin = false;
        for (size_t k = 0; k < kept; k++) {
            twin = twin || list[k].c->number == list[i].c->number;
        }
        if (!(u->opts->flags & PLAN_EXISTING_ONLY) && (twin || (int)kept >= wanted)) {
            plan_take_away(u->plan, list[i].c, s,
                           twin ? "left over by an interrupted run" : "scaled down", false);
        } else {
            list[kept++] = list[i];
        }
    }
    *count = kept;
}

/* id of the namespace owner changed: a container that joined it must be made anew */
static const char *joined_reason(struct up *u, const struct service *s)
{
    const char *modes[] = {s->network_mode, s->ipc, s->pid};
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        const struct service *owner = modes[i] && str_starts(modes[i], "service:")
                                          ? project_service(u->p, modes[i] + 8)
                                          : NULL;
        if (owner && steps_of(u, owner)->recreated) {
            return arena_printf(&u->plan->arena,
                                "it shares a namespace with %s, which is recreated", owner->name);
        }
    }
    return NULL;
}

static int add_service(struct up *u, const struct service *s, struct err *err)
{
    const struct observed_container **found = arena_array(&u->plan->arena, u->o->container_count,
                                                          sizeof(const void *));
    size_t count = plan_containers_of(u->o, s->name, false, found, u->o->container_count);
    struct candidate *list = arena_array(&u->plan->arena, count, sizeof(*list));
    struct plan_options local = *u->opts;
    int wanted = replicas_of(u, s), kept = 0, next = 0;
    if (wanted < 0 || wanted > REPLICAS_MAX) {
        err_set(err, ERR_USAGE, "%s: %d replicas, expected 0 to %d", s->name, wanted, REPLICAS_MAX);
        err_subject(err, s->name);
        err_hint(err, "give --scale %s=N or deploy.replicas a number in that range", s->name);
        return -ERR_USAGE;
    }
    if (wanted > 1 && s->container_name) {
        err_set(err, ERR_USAGE, "%s has container_name: %s and cannot be scaled to %d", s->name,
                s->container_name, wanted);
        err_subject(err, s->name);
        err_at(err, s->at.file, s->at.line, s->at.col);
        err_hint(err, "remove container_name: every replica needs a name of its own");
        return -ERR_USAGE;
    }
    if (!u->named[plan_service_index(u->p, s)] && !(local.flags & PLAN_RECREATE_DEPS)) {
        local.flags &= ~(unsigned)(PLAN_FORCE_RECREATE | PLAN_RENEW_VOLUMES);
    } else if (!u->named[plan_service_index(u->p, s)]) {
        local.flags |= PLAN_FORCE_RECREATE;
    }
    for (size_t i = 0; i < count; i++) {
        const char *joined = joined_reason(u, s);
        list[i] = (struct candidate){
            found[i], joined
                          ? joined
                          : plan_recreate_reason(&u->plan->arena, u->p, u->o, s, found[i], &local)};
        if (!list[i].reason && already_removed(u, found[i])) {
            list[i].reason = "its network or volume is made anew";
        }
        next = found[i]->number > next ? found[i]->number : next;
    }
    if (count > 1) {
        qsort(list, count, sizeof(*list), by_worth);
    }
    take_surplus(u, s, list, &count, wanted);
    for (size_t i = 0; i < count; i++) {
        const struct observed_container *c = list[i].c;
        if (list[i].reason) {
            add_recreate(u, s, c, c->number ? c->number : 1, list[i].reason);
        } else {
            add_existing(u, s, c);
        }
        kept++;
    }
    if (u->opts->flags & PLAN_EXISTING_ONLY) {
        return 0;
    }
    for (; kept < wanted; kept++) {
        add_new(u, s, ++next);
    }
    return 0;
}

/* --- edges between services --- */

static void after_all(struct up *u, struct vec *steps, const struct vec *before, bool optional)
{
    for (size_t i = 0; i < steps->len; i++) {
        for (size_t j = 0; j < before->len; j++) {
            plan_after(u->plan, steps->items[i], before->items[j], optional);
        }
    }
}

/* With restart: true, a running dependent is stopped before and started after its dependency. */
static void bounce(struct up *u, const struct service *s, const struct service *dep)
{
    for (size_t i = 0; i < u->plan->unit_count; i++) {
        struct plan_unit *unit = u->plan->units[i];
        struct step *stop = NULL;
        if (unit->service != s || !unit->unchanged) {
            continue;
        }
        stop = plan_unit_step(
            u->plan, STEP_STOP, unit,
            arena_printf(&u->plan->arena, "%s is recreated (restart: true)", dep->name));
        stop->victim = unit->existing;
        for (size_t k = 0; k < u->plan->step_count; k++) {
            struct step *other = u->plan->steps[k];
            if (other->kind == STEP_STOP && other->victim && other != stop &&
                other->service == dep) {
                plan_after(u->plan, other, stop, true);
            }
            if (other->unit == unit && (other->kind == STEP_PROVE || other->kind == STEP_EXIT)) {
                other->unit = NULL; /* replaced by the proof after the restart */
            }
        }
        unit->unchanged = false;
        add_start(u, unit, stop, STEP_START, "stopped for its dependency");
    }
}

/* Steps whose unit was taken from them (bounce) would prove nothing: they go. */
static void drop_replaced(struct up *u)
{
    size_t kept = 0;
    size_t *map = arena_array(&u->plan->arena, u->plan->step_count, sizeof(*map));
    for (size_t i = 0; i < u->plan->step_count; i++) {
        struct step *s = u->plan->steps[i];
        bool gone = (s->kind == STEP_PROVE || s->kind == STEP_EXIT) && !s->unit;
        map[i] = gone ? SIZE_MAX : kept;
        if (gone) {
            for (size_t v = 0; v < u->p->service_count; v++) {
                vec_remove(&u->of[v].proved, s);
                vec_remove(&u->of[v].exited, s);
            }
            free(s->deps);
            continue;
        }
        s->index = kept;
        u->plan->steps[kept++] = s;
    }
    u->plan->step_count = kept;
    for (size_t i = 0; i < kept; i++) {
        struct step *s = u->plan->steps[i];
        size_t n = 0;
        for (size_t d = 0; d < s->dep_count; d++) {
            if (map[s->deps[d].step] != SIZE_MAX) {
                s->deps[n++] = (struct step_dep){map[s->deps[d].step], s->deps[d].optional};
            }
        }
        s->dep_count = n;
    }
}

static void order_service(struct up *u, const struct service *s)
{
    struct service_steps *of = steps_of(u, s);
    const char *modes[] = {s->network_mode, s->ipc, s->pid};
    for (size_t i = 0; i < s->depends_on_count; i++) {
        const struct depends_on *d = &s->depends_on[i];
        const struct service *dep = project_service(u->p, d->service);
        if (!dep || !u->selected[plan_service_index(u->p, dep)]) {
            continue;
        }
        struct service_steps *on = steps_of(u, dep);
        after_all(u, &of->started, &on->started, !d->required);
        if (d->condition == CONDITION_HEALTHY) {
            after_all(u, &of->started, &on->proved, !d->required);
            after_all(u, &of->started, &on->exited, !d->required);
        } else if (d->condition == CONDITION_COMPLETED) {
            after_all(u, &of->started, &on->exited, !d->required);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) { /* the owner's id goes into the body */
        const struct service *owner = modes[i] && str_starts(modes[i], "service:")
                                          ? project_service(u->p, modes[i] + 8)
                                          : NULL;
        if (owner) {
            after_all(u, &of->created, &steps_of(u, owner)->created, false);
        }
    }
    for (size_t i = 0; i < s->volumes_from.count; i++) {
        CLEANUP_FREE char *name = xstrndup(s->volumes_from.items[i],
                                           strcspn(s->volumes_from.items[i], ":"));
        const struct service *from = project_service(u->p, name);
        if (from && from != s) {
            after_all(u, &of->created, &steps_of(u, from)->created, false);
        }
    }
    for (size_t i = 0; i < s->links.count; i++) { /* the peers' names go into the body */
        CLEANUP_FREE char *name = xstrndup(s->links.items[i], strcspn(s->links.items[i], ":"));
        const struct service *to = project_service(u->p, name);
        if (to && to != s) {
            after_all(u, &of->created, &steps_of(u, to)->created, false);
            if (steps_of(u, to)->recreated) { /* they have their names back by then */
                after_all(u, &of->created, &steps_of(u, to)->started, false);
            }
        }
    }
}

static void order_services(struct up *u)
{
    for (size_t i = 0; i < u->p->service_count; i++) {
        const struct service *s = &u->p->services[i];
        for (size_t d = 0; u->selected[i] && d < s->depends_on_count; d++) {
            const struct service *dep = project_service(u->p, s->depends_on[d].service);
            if (dep && s->depends_on[d].restart && steps_of(u, dep)->recreated) {
                bounce(u, s, dep);
            }
        }
    }
    drop_replaced(u);
    for (size_t i = 0; i < u->p->service_count; i++) {
        if (u->selected[i]) {
            order_service(u, &u->p->services[i]);
        }
    }
}

/* --- entry --- */

/* Services in an order where owners of shared namespaces come before those that join them. */
static int add_services(struct up *u, struct err *err)
{
    bool *done = arena_array(&u->plan->arena, u->p->service_count + 1, sizeof(*done));
    size_t left = u->p->service_count;
    while (left) {
        size_t before = left;
        for (size_t i = 0; i < u->p->service_count; i++) {
            const struct service *s = &u->p->services[i];
            bool ready = !done[i];
            for (size_t d = 0; ready && d < s->depends_on_count; d++) {
                const struct service *dep = project_service(u->p, s->depends_on[d].service);
                ready = !dep || done[plan_service_index(u->p, dep)];
            }
            if (!ready) {
                continue;
            }
            done[i] = true;
            left--;
            bool wanted = u->selected[i] && !s->provider_type && !str_eq(u->opts->apart, s->name);
            int rc = wanted ? add_service(u, s, err) : 0;
            if (rc) {
                return rc;
            }
        }
        if (left == before) {
            return err_set(err, ERR_BUG, "services depend on each other in a circle");
        }
    }
    return 0;
}

static int build_up(struct up *u, struct err *err)
{
    int rc = add_images(u, err);
    for (size_t i = 0; !rc && i < u->p->network_count; i++) {
        rc = u->opts->flags & PLAN_EXISTING_ONLY ? 0 : add_network(u, i, err);
    }
    for (size_t i = 0; !rc && i < u->p->volume_count; i++) {
        rc = u->opts->flags & PLAN_EXISTING_ONLY ? 0 : add_volume(u, i, err);
    }
    rc = rc ? rc : add_services(u, err);
    if (rc) {
        return rc;
    }
    order_services(u);
    plan_orphans(u->plan, u->opts, u->opts->flags & PLAN_REMOVE_ORPHANS);
    return plan_finish(u->plan, err);
}

static int begin(struct up *u, struct plan *plan, const char *verb, const struct project *p,
                 const struct observed *o, const struct plan_options *opts, struct err *err)
{
    int rc = 0;
    *u = (struct up){.plan = plan, .p = p, .o = o, .opts = opts};
    plan_begin(plan, verb, p, o);
    plan->renew_volumes = opts->flags & PLAN_RENEW_VOLUMES;
    rc = plan_select(&plan->arena, p, opts,
                     opts->flags & PLAN_NO_DEPS ? SELECT_ONLY : SELECT_DEPENDENCIES, &u->selected,
                     err);
    rc = rc ? rc : plan_select(&plan->arena, p, opts, SELECT_ONLY, &u->named, err);
    u->of = arena_array(&plan->arena, p->service_count + 1, sizeof(*u->of));
    u->networks = arena_array(&plan->arena, p->network_count + 1, sizeof(*u->networks));
    u->volumes = arena_array(&plan->arena, p->volume_count + 1, sizeof(*u->volumes));
    return rc;
}

static void release_up(struct up *u)
{
    for (size_t i = 0; u->of && i < u->p->service_count; i++) {
        vec_release(&u->of[i].created);
        vec_release(&u->of[i].started);
        vec_release(&u->of[i].proved);
        vec_release(&u->of[i].exited);
    }
}

int plan_up(const struct project *p, const struct observed *o, const struct plan_options *opts,
            struct plan *ret, struct err *err)
{
    struct up u;
    int rc = begin(&u, ret, opts->flags & PLAN_EXISTING_ONLY ? "start" : "up", p, o, opts, err);
    rc = rc ? rc : build_up(&u, err);
    release_up(&u);
    return rc;
}

int plan_images(const struct project *p, const struct observed *o, const struct plan_options *opts,
                struct plan *ret, struct err *err)
{
    struct up u;
    int rc = begin(&u, ret, "images", p, o, opts, err);
    u.images_only = true;
    rc = rc ? rc : add_images(&u, err);
    rc = rc ? rc : plan_finish(ret, err);
    release_up(&u);
    return rc;
}

int plan_oneoff(const struct project *p, const struct observed *o, const struct service *s,
                const struct plan_oneoff *oneoff, struct plan *ret, struct err *err)
{
    struct plan_unit *unit = NULL;
    plan_begin(ret, "run", p, o);
    unit = plan_unit_add(ret, s, 0, oneoff->name, NULL);
    unit->oneoff = oneoff;
    plan_unit_step(ret, STEP_CREATE, unit, "asked for");
    return plan_finish(ret, err);
}
