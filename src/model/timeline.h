/*
 * What the last start took, container by container: the data behind the summary, the critical path
 * and `fettle timeline`. Filled by run/, stored and drawn by cmd/ and ui/.
 */
#ifndef MODEL_TIMELINE_H
#define MODEL_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

/* All times are ns since the run began; -1 = did not happen. */
struct timeline_entry {
    const char *name;    /* container, image or network */
    const char *service; /* "" for others */
    const char *proof;   /* what was proved, "" when nothing */
    int64_t create_begin, create_end;
    int64_t start_begin, start_end; /* the engine's start call */
    int64_t proof_begin;            /* the attempt that proved it began; <= 0 = not known */
    int64_t ready;                  /* proof accepted (or start_end when nothing to prove) */
    const char *blocker; /* the container whose readiness released this one's start; "" = none */
    bool failed;
    bool critical; /* on the critical path */
};

struct timeline {
    struct arena arena;
    const char *project, *command;
    int64_t began;    /* wall ns */
    int64_t duration; /* ns */
    bool ok;
    struct timeline_entry *entries; /* in the order of start_begin */
    size_t count;
};

void timeline_release(struct timeline *t);
/*
 * Marks the chain that decided the total: from the entry that was ready last, back through the
 * blockers. Returns its length and, in order of time, the indices in ret (room for count).
 */
size_t timeline_critical_path(struct timeline *t, size_t *ret);

#endif
