/*
 * A plan as JSON.
 */
#ifndef VIEW_PLAN_H
#define VIEW_PLAN_H

#include <jansson.h>

#include "base/buf.h"
#include "plan/plan.h"

/*
 * {"project","verb","steps":[{"step","kind","target","service","reason","after":[step...]}],
 * "notes":[{"text","hint"}]}. The caller owns it.
 */
json_t *view_plan(const struct plan *p);
/* A numbered line per step: what, on what, why, after which. Notes follow. */
void view_plan_text(const struct plan *p, struct buf *out);

#endif
