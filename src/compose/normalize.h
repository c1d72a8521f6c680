/*
 * What Compose adds to a canonical tree before it is read: networks, names, dependencies that
 * follow from other keys, values from the environment.
 */
#ifndef COMPOSE_NORMALIZE_H
#define COMPOSE_NORMALIZE_H

#include "base/map.h"
#include "compose/node.h"

/* In place; sets the key `name` to the project's. `environment`: name to text. */
void normalize_model(struct node *root, struct arena *arena, const char *project,
                     const struct map *environment);

/* A map entry of this key marks a dependency that the file does not list itself. */
#define NORMALIZE_IMPLIED "x-#implied"

#endif
