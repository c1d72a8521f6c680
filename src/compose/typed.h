/*
 * The canonical tree with every value in the form it is printed in: sizes and durations read,
 * commands split, KEY=VALUE lists turned into mappings. The table says what each key becomes.
 */
#ifndef COMPOSE_TYPED_H
#define COMPOSE_TYPED_H

#include "base/vec.h"
#include "compose/node.h"

/*
 * Rewrites a canonical tree in place. A value becomes:
 *   BYTES a whole number; DURATION a string as Go prints it; FILE_MODE a string ("0440");
 *   COMMAND and TEST a list; MAPPING, LABELS, ENVIRONMENT and OPTIONS a mapping of strings (null
 *   only in ENVIRONMENT); HOSTS a sorted list of "host=address"; SSH a mapping.
 * Values that are null stay null. Returns 0 or -ERR_COMPOSE, with every problem in *diags.
 */
int typed_tree(struct node *root, struct arena *arena, struct diags *diags);

/* One service that is not in a tree (tests, watch). */
int typed_service(struct node *service, const char *name, struct arena *arena, struct diags *diags);

/*
 * Splits a command line into words as the reference does: quotes and backslashes count, nothing is
 * expanded, and an unquoted ; & | < > ends the command. False when a quote is left open.
 */
bool shell_words(const char *line, struct strv *out);

#endif
