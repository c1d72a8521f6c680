/*
 * Prefixes and colours of container output. Pure: lines in, bytes out.
 */
#include "ui/logline.h"

#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "ui/term.h"

static const char *const colours[] = {"\033[36m", "\033[33m", "\033[32m", "\033[35m", "\033[34m",
                                      "\033[96m", "\033[93m", "\033[92m", "\033[95m", "\033[94m"};

void logline_release(struct logline *l)
{
    map_release(&l->names);
}

const char *logline_short(const struct logline *l, const char *container)
{
    size_t len = l->project ? strlen(l->project) : 0;
    if (len && strncmp(container, l->project, len) == 0 &&
        (container[len] == '-' || container[len] == '_') && container[len + 1]) {
        return container + len + 1;
    }
    return container;
}

void logline_name(struct logline *l, const char *container)
{
    int columns = (int)str_columns(logline_short(l, container));
    if (!map_has(&l->names, container)) {
        map_set(&l->names, container,
                (void *)(uintptr_t)colours[l->names.len % ARRAY_LEN(colours)]);
    }
    l->width = columns > l->width ? columns : l->width;
}

void logline_append(struct logline *l, struct buf *out, const char *container, int64_t wall,
                    const char *text, size_t len)
{
    if (l->prefix) {
        const char *name = logline_short(l, container);
        logline_name(l, container);
        int pad = l->width - (int)str_columns(name);
        buf_str(out, l->colour ? map_get(&l->names, container) : "");
        buf_str(out, name);
        buf_repeat(out, ' ', pad > 0 ? (size_t)pad : 0);
        buf_str(out, "  | ");
        buf_str(out, l->colour ? "\033[0m" : "");
    }
    if (l->timestamps) {
        char stamp[CLOCK_RFC3339_MAX];
        buf_printf(out, "%s ", clock_rfc3339(wall, stamp));
    }
    buf_append(out, text, len);
    buf_char(out, '\n');
}
