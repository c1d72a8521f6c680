/*
 * Where in the tree a walk is, for messages; and rules that hold at such places, for tables of
 * "services.*.build.args" and the like.
 */
#ifndef COMPOSE_KEYPATH_H
#define COMPOSE_KEYPATH_H

#include <stddef.h>

#include "base/arena.h"

/* One step of a walk, on the walker's stack. The root has no step: NULL. */
struct keypath {
    const struct keypath *up;
    const char *key; /* NULL = the element `index` of a list */
    size_t index;
};

/* "services.db.ports[0]"; "" for the root. In the arena. */
const char *keypath_text(struct arena *a, const struct keypath *path);

/* A table row: a dotted pattern, where "*" is any key and "[]" any element of a list. */
struct rule_row {
    const char *pattern;
    int value; /* > 0; what holds there */
};

/* The rows as a tree. A walk carries the rule of where it is; NULL = nothing here or below. */
struct rule {
    const char *key;
    int value; /* 0 = no rule at this very place */
    const struct rule *next;
    const struct rule *children;
};

/* In the arena; the rows must stay. */
const struct rule *rules_compile(struct arena *a, const struct rule_row *rows, size_t count);
/* One step down; the exact key is preferred to "*". NULL stays NULL. */
const struct rule *rule_key(const struct rule *rule, const char *key);
/* One step into a list. */
const struct rule *rule_item(const struct rule *rule);
/* The value at this place, 0 for none. */
int rule_value(const struct rule *rule);

#endif
