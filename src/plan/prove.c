/*
 * A plan that changes nothing: one proof for each container that runs. What `status` walks.
 */
#include "plan/internal.h"

int plan_prove(const struct project *p, const struct observed *o, const struct plan_options *opts,
               struct plan *ret, struct err *err)
{
    bool *selected = NULL;
    plan_begin(ret, "status", p, o);
    int rc = plan_select(&ret->arena, p, opts, SELECT_ONLY, &selected, err);
    if (rc) {
        return rc;
    }
    for (size_t i = 0; i < o->container_count; i++) {
        const struct observed_container *c = &o->containers[i];
        const struct service *s = project_service(p, c->service);
        if (!s || !selected[plan_service_index(p, s)] || c->oneoff ||
            c->state != CONTAINER_RUNNING) {
            continue;
        }
        struct plan_unit *unit = plan_unit_add(ret, s, c->number, c->name, c);
        unit->unchanged = true;
        plan_unit_step(ret, STEP_PROVE, unit, "runs; is it ready?");
    }
    return plan_finish(ret, err);
}
