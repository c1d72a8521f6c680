/*
 * What the planners share: adding units, steps and edges. Private to plan/.
 */
#ifndef PLAN_INTERNAL_H
#define PLAN_INTERNAL_H

#include "plan/plan.h"

void plan_begin(struct plan *plan, const char *verb, const struct project *p,
                const struct observed *o);
struct plan_unit *plan_unit_add(struct plan *plan, const struct service *s, int number,
                                const char *name, const struct observed_container *existing);
struct step *plan_step(struct plan *plan, enum step_kind kind, const char *target,
                       const char *reason);
struct step *plan_unit_step(struct plan *plan, enum step_kind kind, struct plan_unit *unit,
                            const char *reason);
/* `after` waits for `before`; NULL on either side and double edges are ignored. */
void plan_after(struct plan *plan, struct step *after, const struct step *before, bool optional);
void plan_note(struct plan *plan, const char *hint, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Ranks every step and checks that there is no cycle. Every planner ends with it. */
int plan_finish(struct plan *plan, struct err *err) MUST_CHECK;

/*
 * One bool per service of p (in the arena): the named ones, their dependencies (deps) or their
 * dependents (dependents), all when none is named. Unknown names fail with the nearest one.
 */
enum select_direction { SELECT_ONLY, SELECT_DEPENDENCIES, SELECT_DEPENDENTS };
int plan_select(struct arena *a, const struct project *p, const struct plan_options *opts,
                enum select_direction direction, bool **ret, struct err *err) MUST_CHECK;
size_t plan_service_index(const struct project *p, const struct service *s);
/* Containers of the service in order of number; one-offs left out unless asked for. */
size_t plan_containers_of(const struct observed *o, const char *service, bool oneoff,
                          const struct observed_container **ret, size_t max);

/* Orphans: containers of the project whose service is in no file. Named, or stopped and removed. */
void plan_orphans(struct plan *plan, const struct plan_options *opts, bool remove);
/* stop + remove of one existing container; returns the last step. */
struct step *plan_take_away(struct plan *plan, const struct observed_container *c,
                            const struct service *s, const char *reason, bool volumes);

#endif
