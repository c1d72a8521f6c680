/*
 * Short forms to long ones: after a merge and after validation, before duplicates are dropped.
 */
#ifndef COMPOSE_CANONICAL_H
#define COMPOSE_CANONICAL_H

#include <stdbool.h>

#include "compose/node.h"

/* Which texts that cannot be read are left alone. */
enum canonical_tolerance {
    TOLERATE_NOTHING,
    TOLERATE_VARIABLES, /* those that still hold a $: an error, told already, left it there */
    TOLERATE_ALL
};

/*
 * Rewrites every short form below `root` in place. With `tolerate` (--no-interpolate) text that
 * cannot be read stays as it is, because it may hold a variable. Returns 0 or -ERR_COMPOSE, with
 * every problem in *diags and what it is about taken out.
 */
int canonical_forms(struct node *root, struct arena *arena, enum canonical_tolerance tolerate,
                    struct diags *diags);

/*
 * One port specification, "[[IP:]HOST:]CONTAINER[/PROTOCOL]", appended to `list` as long forms in
 * the order of the reference. On failure *why (in the arena) says what is wrong and nothing is
 * appended; returns false.
 */
bool canonical_port(struct arena *arena, struct node *list, struct pos at, const char *spec,
                    const char **why);

/* One volume specification, "[SOURCE:]TARGET[:OPTIONS]"; NULL on failure, see above. */
struct node *canonical_volume(struct arena *arena, struct pos at, const char *spec,
                              const char **why);

#endif
