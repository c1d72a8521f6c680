/*
 * Putting one tree over another by Compose's rules: several files, documents, include lists and
 * extends all use it.
 */
#ifndef COMPOSE_MERGE_H
#define COMPOSE_MERGE_H

#include "compose/keypath.h"
#include "compose/node.h"

struct merger {
    struct arena *arena;
    struct diags *diags;
    const struct rule *merge, *unique; /* the tables, compiled */
};

void merger_init(struct merger *m, struct arena *arena, struct diags *diags);

/*
 * Merges `over` onto `base` (both whole files; base may be NULL) and returns the result; both are
 * used up. Problems go to the diags and leave what base had.
 */
struct node *merge_files(struct merger *m, struct node *base, struct node *over);
/* The same for one service. */
struct node *merge_service(struct merger *m, const char *name, struct node *base,
                           struct node *over);
/*
 * Drops entries repeated in lists whose entries have a key: the later one takes the earlier one's
 * place. Returns 0 or -ERR_COMPOSE (an entry without its key).
 */
int merge_unique(struct merger *m, struct node *root);

#endif
