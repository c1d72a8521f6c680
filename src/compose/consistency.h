/*
 * Checks that look across keys and services: references, cycles, conflicts. Each names the place
 * and, for references, the nearest name that exists.
 */
#ifndef COMPOSE_CONSISTENCY_H
#define COMPOSE_CONSISTENCY_H

#include "compose/node.h"

/*
 * `root` is a typed tree with its enabled services, `disabled` a map of the others. Sets
 * deploy.replicas from scale, as the reference does. Returns 0 or -ERR_COMPOSE.
 */
int check_consistency(struct arena *arena, struct node *root, const struct node *disabled,
                      struct diags *diags);
/* Undefined references and cycles only: for a tree out of which a part was taken as wrong. */
void check_references(struct arena *arena, struct node *root, struct diags *diags);
/* No two services may have the same container_name. */
int check_container_names(const struct node *root, struct diags *diags);

#endif
