/*
 * Container output as Compose prints it: "web-1  | text", one colour a container.
 */
#ifndef UI_LOGLINE_H
#define UI_LOGLINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/map.h"

struct logline {
    bool colour, prefix, timestamps;
    const char *project; /* cut from the front of names; borrowed, or NULL */
    struct map names;    /* container to its number */
    int width;
};

void logline_release(struct logline *l);
/* Makes the padding at least as wide as this name; the colour of a name follows the order. */
void logline_name(struct logline *l, const char *container);
/* One line, without its newline; wall is ns since 1970. Bytes are passed on as they are. */
void logline_append(struct logline *l, struct buf *out, const char *container, int64_t wall,
                    const char *text, size_t len);
/* The name as shown: "web-1" of "shop-web-1" in project shop. */
const char *logline_short(const struct logline *l, const char *container);

#endif
