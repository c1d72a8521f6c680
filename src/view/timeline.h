/*
 * The timeline as JSON: what `fettle timeline --format json` prints and what is kept on disk.
 */
#ifndef VIEW_TIMELINE_H
#define VIEW_TIMELINE_H

#include <jansson.h>

#include "base/err.h"
#include "model/timeline.h"

/*
 * {"project","command","began","duration_ms","ok","entries":[{"name","service","proof",
 * "create_ms":[from,to],"start_ms":[from,to],"proof_ms","ready_ms","blocker","failed",
 * "critical"}]}. Times are ms since the run began; what did not happen is left out. The caller
 * owns it.
 */
json_t *view_timeline(const struct timeline *t);
/* The reverse. *ret is the caller's, zeroed; timeline_release() it. Fails with ERR_INPUT. */
int view_timeline_read(const json_t *j, struct timeline *ret, struct err *err) MUST_CHECK;

#endif
