/*
 * Which containers a command is about. Lists once, by the project's label.
 */
#include "cmd/containers.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "engine/observe.h"
#include "model/project.h"

enum { NAMES_SHOWN = 12 };

static bool known_service(const struct project *p, const struct observed *o, const char *name)
{
    if (p && project_service(p, name)) {
        return true;
    }
    for (size_t i = 0; p && i < p->disabled.count; i++) {
        if (strcmp(p->disabled.items[i], name) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < o->container_count; i++) {
        if (str_eq(o->containers[i].service, name)) {
            return true;
        }
    }
    return false;
}

static int unknown_service(const struct project *p, const char *name, struct err *err)
{
    err_set(err, ERR_NOT_FOUND, "no such service: %s", name);
    if (p && p->service_count) {
        const char **names = xcalloc(p->service_count, sizeof(*names));
        for (size_t i = 0; i < p->service_count; i++) {
            names[i] = p->services[i].name;
        }
        const char *nearest = str_nearest(name, names, p->service_count);
        if (nearest) {
            err_hint(err, "did you mean %s?", nearest);
        } else {
            CLEANUP_BUF struct buf list = BUF_INIT;
            for (size_t i = 0; i < p->service_count && i < NAMES_SHOWN; i++) {
                buf_printf(&list, "%s%s", i ? ", " : "", names[i]);
            }
            err_hint(err, "the project has: %s%s", buf_text(&list),
                     p->service_count > NAMES_SHOWN ? ", ..." : "");
        }
        free(names);
    }
    return -ERR_NOT_FOUND;
}

static bool wanted(const struct observed_container *c, const struct project *p,
                   const char *const *services, size_t count, unsigned flags)
{
    bool named = count == 0;
    for (size_t i = 0; i < count; i++) {
        named = named || str_eq(c->service, services[i]);
    }
    if (!named || (c->oneoff && !(flags & CONTAINERS_ONEOFF)) || str_empty(c->config_hash)) {
        return false;
    }
    if ((flags & CONTAINERS_KNOWN) && p && !project_service(p, c->service)) {
        return false;
    }
    return (flags & CONTAINERS_ALL) || c->state == CONTAINER_RUNNING ||
           c->state == CONTAINER_PAUSED || c->state == CONTAINER_RESTARTING;
}

static int by_name(const void *a, const void *b)
{
    const struct observed_container *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

int containers_load(struct cmd_context *ctx, const char *const *services, size_t service_count,
                    unsigned flags, struct containers *ret, struct err *err)
{
    struct engine *engine = NULL;
    struct project *p = NULL;
    const char *name = NULL;
    int rc = context_project(ctx, PROJECT_OPTIONAL, NULL, 0, &p, err);
    rc = rc ? rc : context_name(ctx, &name, err);
    rc = rc ? rc : context_engine(ctx, &engine, err);
    if (rc) {
        return rc;
    }
    observe_start(engine, name, NULL, OBSERVE_CONTAINERS, &ret->observed, context_done, ctx);
    rc = context_wait(ctx, err);
    for (size_t i = 0; rc == 0 && i < service_count && !(flags & CONTAINERS_LENIENT); i++) {
        if (!known_service(p, &ret->observed, services[i])) {
            rc = unknown_service(p, services[i], err);
        }
    }
    if (rc) {
        return rc;
    }
    ret->items = xcalloc(ret->observed.container_count + 1, sizeof(*ret->items));
    for (size_t i = 0; i < ret->observed.container_count; i++) {
        if (wanted(&ret->observed.containers[i], p, services, service_count, flags)) {
            ret->items[ret->count++] = &ret->observed.containers[i];
        }
    }
    qsort(ret->items, ret->count, sizeof(struct observed_container *), by_name);
    return 0;
}

void containers_release(struct containers *c)
{
    free(c->items);
    observed_release(&c->observed);
    *c = (struct containers){0};
}

static bool is_down(const struct observed_container *c)
{
    return c->state == CONTAINER_EXITED || c->state == CONTAINER_CREATED ||
           c->state == CONTAINER_DEAD;
}

static int order(bool x, bool y)
{
    return (int)x - (int)y;
}

/*
 * Is x the better one? What runs comes first, then the service's own before those of `run`, then
 * the lowest number. With a number asked for, a one-off one of that number is the last resort.
 */
static bool better(const struct observed_container *x, const struct observed_container *y,
                   bool numbered)
{
    int by_state = order(x->state != CONTAINER_RUNNING, y->state != CONTAINER_RUNNING);
    int by_kind = order(x->oneoff, y->oneoff);
    int c = 0;
    by_state = by_state ? by_state : order(is_down(x), is_down(y));
    c = numbered ? by_kind : by_state;
    c = c ? c : by_state;
    c = c ? c : by_kind;
    return c ? c < 0 : x->number < y->number;
}

int containers_pick(struct cmd_context *ctx, const char *service, int64_t index,
                    struct containers *c, const struct observed_container **ret, struct err *err)
{
    const struct observed_container *best = NULL;
    int rc = containers_load(ctx, &service, 1, CONTAINERS_ALL | CONTAINERS_ONEOFF, c, err);
    if (rc) {
        return rc;
    }
    for (size_t i = 0; i < c->count; i++) {
        const struct observed_container *it = c->items[i];
        if (index > 0 && it->number != index) {
            continue;
        }
        if (!best || better(it, best, index > 0)) {
            best = it;
        }
    }
    if (!best && index > 0) {
        return err_set(err, ERR_NOT_FOUND, "service \"%s\" is not running container #%d", service,
                       (int)index);
    }
    if (!best || is_down(best)) {
        err_set(err, ERR_NOT_FOUND, "service \"%s\" is not running", service);
        err_hint(err, "fettle up -d %s starts it", service);
        return -ERR_NOT_FOUND;
    }
    *ret = best;
    return 0;
}
