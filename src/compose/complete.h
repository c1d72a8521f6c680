/*
 * What follows the last merge of one set of files (the main one, or an included one): defaults,
 * checks that the table cannot express, paths made absolute, and values taken from the
 * environment.
 */
#ifndef COMPOSE_COMPLETE_H
#define COMPOSE_COMPLETE_H

#include "base/map.h"
#include "compose/node.h"

/* Each works in place on canonical forms; returns 0 or -ERR_COMPOSE with the problems in *diags. */
int complete_defaults(struct node *root, struct arena *arena, struct diags *diags);
int complete_check(const struct node *root, struct diags *diags);
/* `base` is absolute; `home` replaces a leading "~", NULL = no home. */
int complete_paths(struct node *root, struct arena *arena, const char *base, const char *home,
                   struct diags *diags);
/* `environment`: name to text. */
void complete_environment(struct node *root, struct arena *arena, const struct map *environment);

/* The key under which the value of a secret or config that comes from a variable is kept. */
#define COMPLETE_VALUE "x-#value"

enum complete_flags { COMPLETE_KEEP_PATHS = 1 /* --no-path-resolution */ };

/* All of them in order. */
int complete_model(struct node *root, struct arena *arena, const char *base,
                   const struct map *environment, unsigned flags, struct diags *diags);

#endif
