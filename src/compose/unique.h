/*
 * Lists whose entries have a key: of two with the same key the later one stays.
 */
#ifndef COMPOSE_UNIQUE_H
#define COMPOSE_UNIQUE_H

#include "compose/keypath.h"
#include "compose/node.h"

/* The table, compiled. */
const struct rule *unique_rules(struct arena *arena);
/* In place; returns 0 or -ERR_COMPOSE (entries without their key, in *diags). */
int unique_apply(struct arena *arena, struct node *root, const struct rule *rules,
                 struct diags *diags);

#endif
