/*
 * What stands below a finished start: where to reach it, how long it took, what decided that.
 */
#ifndef UI_SUMMARY_H
#define UI_SUMMARY_H

#include <stdbool.h>

#include "base/buf.h"
#include "model/observed.h"
#include "model/timeline.h"

/* "  frontend  http://localhost:3000": one line per container with published ports. */
void summary_addresses(struct buf *out, bool colour, const struct observed *o);
/* The address as people type it: "http://localhost:3000", "localhost:5432", "" when not published.
 */
void summary_address(struct buf *out, const struct observed_port *port);
/*
 * "ready in 2.31 s   critical path: postgres 1.62 s (start 0.39, boot 1.20, proof 0.03) > ...".
 * Marks the critical entries. Nothing when nothing was started.
 */
void summary_critical_path(struct buf *out, bool colour, int columns, struct timeline *t);

/* The parts of one link of the chain, in ns: from when it was released to its proof. */
struct summary_link {
    int64_t total, create, start, boot, proof;
};
/* `released`: when its blocker was ready, 0 for the first. */
struct summary_link summary_link(const struct timeline_entry *e, int64_t released);

#endif
