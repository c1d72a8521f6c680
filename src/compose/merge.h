/*
 * Putting one tree over another by Compose's rules: several files, documents, include lists and
 * extends all use it.
 */
#ifndef COMPOSE_MERGE_H
#define COMPOSE_MERGE_H

#include "compose/node.h"

/*
 * Merges `over` onto `base` (NULL = nothing) and returns the result; both are used up. `path` says
 * where in a project they stand ("" = the top, "services.web"): it chooses the rule. !reset in
 * `over` removes what base has, !override replaces it; the tags stay in the result, for what was
 * before `base`, until merge_strip_tags().
 */
struct node *merge_trees(struct arena *arena, struct node *base, struct node *over,
                         const char *path, struct diags *diags);

/* Drops entries repeated in lists that have a key: the later one takes the earlier one's place. */
int merge_unique(struct arena *arena, struct node *root, const char *path, struct diags *diags);

/* Removes !reset entries, forgets !override. */
void merge_strip_tags(struct node *root);

#endif
