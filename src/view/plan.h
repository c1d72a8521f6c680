/*
 * A plan as JSON.
 */
#ifndef VIEW_PLAN_H
#define VIEW_PLAN_H

#include <jansson.h>

#include "plan/plan.h"

/*
 * {"project","verb","steps":[{"step","kind","target","service","reason","after":[step...]}],
 * "notes":[{"text","hint"}]}. The caller owns it.
 */
json_t *view_plan(const struct plan *p);

#endif
