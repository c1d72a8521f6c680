/*
 * Which services and containers a command is about. Pure.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "plan/internal.h"

size_t plan_service_index(const struct project *p, const struct service *s)
{
    return (size_t)(s - p->services);
}

static int unknown_service(const struct project *p, const char *name, struct err *err)
{
    const char **names = xcalloc(p->service_count + 1, sizeof(*names));
    const char *near = NULL;
    for (size_t i = 0; i < p->service_count; i++) {
        names[i] = p->services[i].name;
    }
    near = str_nearest(name, names, p->service_count);
    err_set(err, ERR_NOT_FOUND, "no such service: %s", name);
    err_subject(err, name);
    for (size_t i = 0; i < p->disabled.count; i++) {
        if (strcmp(p->disabled.items[i], name) == 0) {
            err_hint(err, "it is behind a profile: enable it with --profile");
            free(names);
            return -ERR_NOT_FOUND;
        }
    }
    if (near) {
        err_hint(err, "did you mean '%s'?", near);
    } else {
        CLEANUP_BUF struct buf list = BUF_INIT;
        for (size_t i = 0; i < p->service_count && i < 12; i++) {
            buf_printf(&list, "%s%s", i ? ", " : "", names[i]);
        }
        err_hint(err, "the project has: %s%s", buf_text(&list),
                 p->service_count > 12 ? ", ..." : "");
    }
    free(names);
    return -ERR_NOT_FOUND;
}

/* Spreads the selection along depends_on until nothing changes; the graph has no cycles. */
static void spread(const struct project *p, enum select_direction direction, bool *on)
{
    bool changed = direction != SELECT_ONLY;
    while (changed) {
        changed = false;
        for (size_t i = 0; i < p->service_count; i++) {
            const struct service *s = &p->services[i];
            for (size_t d = 0; d < s->depends_on_count; d++) {
                const struct service *dep = project_service(p, s->depends_on[d].service);
                size_t j = dep ? plan_service_index(p, dep) : i;
                size_t from = direction == SELECT_DEPENDENCIES ? i : j;
                size_t to = direction == SELECT_DEPENDENCIES ? j : i;
                if (on[from] && !on[to]) {
                    on[to] = true;
                    changed = true;
                }
            }
        }
    }
}

int plan_select(struct arena *a, const struct project *p, const struct plan_options *opts,
                enum select_direction direction, bool **ret, struct err *err)
{
    bool *on = arena_array(a, p->service_count + 1, sizeof(*on));
    if (!opts->service_count) {
        memset(on, 1, p->service_count);
    }
    for (size_t i = 0; i < opts->service_count; i++) {
        const struct service *s = project_service(p, opts->services[i]);
        if (!s) {
            return unknown_service(p, opts->services[i], err);
        }
        on[plan_service_index(p, s)] = true;
    }
    spread(p, direction, on);
    *ret = on;
    return 0;
}

size_t plan_containers_of(const struct observed *o, const char *service, bool oneoff,
                          const struct observed_container **ret, size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < o->container_count && n < max; i++) {
        const struct observed_container *c = &o->containers[i];
        if (strcmp(c->service, service) == 0 && (oneoff || !c->oneoff)) {
            ret[n++] = c;
        }
    }
    return n;
}
