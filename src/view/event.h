/*
 * Events as JSON: the shape of `--format json`, of SSE and of the log. Described in docs/json.md.
 */
#ifndef VIEW_EVENT_H
#define VIEW_EVENT_H

#include <jansson.h>

#include "model/event.h"

/* The caller owns it. Fields that say nothing are left out. */
json_t *view_event(const struct event *e);
/* {"verdict","layer","code","text","ms"}; the caller owns it. */
json_t *view_outcome(const struct outcome *o);

#endif
