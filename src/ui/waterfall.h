/*
 * The last start as a waterfall: in text, and as one self-contained SVG.
 */
#ifndef UI_WATERFALL_H
#define UI_WATERFALL_H

#include <stdbool.h>

#include "base/buf.h"
#include "model/timeline.h"

/* A line per entry: name, bar, time to proof, what was proved. Marks the critical path. */
void waterfall_text(struct buf *out, bool colour, bool utf8, int columns, struct timeline *t);
/* A whole SVG document; light or dark as the viewer prefers; no script, no outside reference. */
void waterfall_svg(struct buf *out, struct timeline *t);

#endif
