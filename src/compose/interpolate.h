/*
 * ${VARIABLE} in the values of a tree: Compose's syntax, every operator, nested to any depth.
 */
#ifndef COMPOSE_INTERPOLATE_H
#define COMPOSE_INTERPOLATE_H

#include "base/map.h"
#include "compose/node.h"

/* Looks a variable up: its value (borrowed) or NULL when it is not set. */
typedef const char *interpolate_fn(void *arg, const char *name);

enum {
    INTERPOLATE_DEPTH_MAX = 64,        /* variables within variables */
    INTERPOLATE_RESULT_MAX = 32 << 20, /* bytes of one value */
    INTERPOLATE_TOTAL_MAX = 256 << 20  /* bytes of all values of one struct interpolation */
};

struct interpolation {
    struct arena *arena;
    interpolate_fn *lookup;
    void *arg;
    struct diags *diags;
    struct map *warned;       /* names that were reported as unset already; NULL = do not warn */
    struct pos at;            /* where the text stands, for that warning */
    size_t total;             /* bytes made so far; start with 0 */
    const char *missing_hint; /* what to do about a required variable; NULL = the usual */
    bool missing;             /* whether the last failure is about a required variable */
};

/*
 * Replaces variables in every string value below `root` (never in keys), then casts the values of
 * paths that want a number or a truth value. All problems go to diags, and the value gets
 * TAG_BROKEN; returns 0 or -ERR_COMPOSE.
 */
int interpolate_tree(struct interpolation *in, struct node *root);
/* One text. *ret is in the arena; on failure *why (in the arena) says what is wrong. */
int interpolate_text(struct interpolation *in, const char *text, const char **ret,
                     const char **why);
/*
 * Every variable that the tree refers to, for `config --variables`: calls fn with name, default
 * (or NULL), whether it is required, and the text of its alternate value (or NULL).
 */
typedef void interpolate_variable_fn(void *arg, const char *name, const char *default_value,
                                     bool required, const char *alternate);
void interpolate_variables(struct arena *arena, const struct node *root,
                           interpolate_variable_fn *fn, void *arg);

#endif
