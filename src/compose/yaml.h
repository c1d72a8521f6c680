/*
 * YAML text to node trees: anchors and merge keys resolved, every key a string, no key twice.
 */
#ifndef COMPOSE_YAML_H
#define COMPOSE_YAML_H

#include <stddef.h>

#include "base/vec.h"
#include "compose/node.h"

enum {
    YAML_FILE_MAX = 32 << 20,     /* bytes of one file */
    YAML_DEPTH_MAX = 200,         /* collections within collections */
    YAML_ALIAS_NODES_MAX = 400000 /* values that aliases may add to one document */
};

/*
 * `text` ends with a NUL behind its `len` bytes. Appends one tree for each document of the text to
 * *docs (struct node *, in the arena). `file` names it in messages. Returns 0 or -ERR_COMPOSE with
 * the problems in *diags; documents before the problem are there.
 */
int yaml_read(struct arena *arena, const char *file, const char *text, size_t len, struct vec *docs,
              struct diags *diags) MUST_CHECK;

#endif
