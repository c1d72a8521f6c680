/*
 * The critical path of a start. Pure.
 */
#include "model/timeline.h"

#include <string.h>

void timeline_release(struct timeline *t)
{
    arena_release(&t->arena);
    memset(t, 0, sizeof(*t));
}

static size_t find(const struct timeline *t, const char *name)
{
    size_t i = 0;
    while (i < t->count && strcmp(t->entries[i].name, name) != 0) {
        i++;
    }
    return i;
}

size_t timeline_critical_path(struct timeline *t, size_t *ret)
{
    size_t last = t->count, n = 0;
    for (size_t i = 0; i < t->count; i++) {
        t->entries[i].critical = false;
        if (t->entries[i].ready >= 0 &&
            (last == t->count || t->entries[i].ready > t->entries[last].ready)) {
            last = i;
        }
    }
    while (last < t->count && !t->entries[last].critical) {
        t->entries[last].critical = true;
        ret[n++] = last;
        last = find(t, t->entries[last].blocker);
    }
    for (size_t i = 0; i < n / 2; i++) {
        size_t swap = ret[i];
        ret[i] = ret[n - 1 - i];
        ret[n - 1 - i] = swap;
    }
    return n;
}
