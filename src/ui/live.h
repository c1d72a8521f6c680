/*
 * The live view: frames drawn over each other without flicker. Driven by ui/progress.c.
 */
#ifndef UI_LIVE_H
#define UI_LIVE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/vec.h"
#include "ui/board.h"

struct live {
    bool colour, utf8;
    int columns, rows;
    struct strv drawn; /* the lines on the screen now */
    unsigned spin;
    bool cursor_hidden;
};

void live_release(struct live *l);
/* Appends what brings the screen from the last frame to the present one. */
void live_draw(struct live *l, const struct board *b, struct buf *out);
/* Appends what takes the frame away; the cursor is then where it began. */
void live_erase(struct live *l, struct buf *out);
/* The final state, to stay on the screen: a line per service that did something. */
void live_final(struct live *l, const struct board *b, struct buf *out);

#endif
