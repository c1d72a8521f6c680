/*
 * !reset and !override: where a document has them, and what they take away from what came before.
 */
#ifndef COMPOSE_RESET_H
#define COMPOSE_RESET_H

#include "base/vec.h"
#include "compose/node.h"

/*
 * Takes the values tagged !reset out of the tree and appends where they and the values tagged
 * !override stand to *places (opaque, in the arena). Places inside lists are not kept: elements of
 * earlier lists cannot be named.
 */
void reset_collect(struct arena *arena, struct node *root, struct vec *places);
/* Removes those places from what earlier files gave. */
void reset_apply(const struct vec *places, struct node *earlier);
/* The same for one service's base: only places below services.NAME count. */
void reset_apply_service(const struct vec *places, const char *name, struct node *base);

#endif
